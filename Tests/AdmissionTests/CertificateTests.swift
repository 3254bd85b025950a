// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import SwiftASN1
import Synchronization
import TestSupport
import Testing
import X509

@testable import Admission

@Suite struct CertificateTests {
    static let start: Int64 = 1_800_000_000
    static let day: Int64 = 86_400
    static let names = ["bulwark-admission.bulwark-system.svc", "127.0.0.1"]

    @Test func whatIsMade() throws {
        let set = try WebhookCertificates.make(names: Self.names, now: Self.start)
        let authority = try Certificate(pemEncoded: set.authorities[0].certificate)
        let server = try Certificate(pemEncoded: set.server.certificate)
        let client = try Certificate(pemEncoded: set.client.certificate)
        #expect(try authority.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(authority.publicKey.isValidSignature(server.signature, for: server))
        #expect(authority.publicKey.isValidSignature(client.signature, for: client))
        #expect(try server.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        #expect(try client.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(try Life(set.server.certificate).names == Set(Self.names.map(Issuing.name)))
        #expect(
            try Life(set.client.certificate).names == [.uniformResourceIdentifier("bulwark://admission/records")])
        #expect(server.notValidAfter.timeIntervalSince1970 == Double(Self.start + 90 * Self.day))
        #expect(authority.notValidAfter.timeIntervalSince1970 == Double(Self.start + 3650 * Self.day))
        // Keys are shown by nothing that prints a value.
        var dumped = ""
        dump(set, to: &dumped)
        #expect(!dumped.contains("PRIVATE") && !"\(set)".contains("PRIVATE"))
    }

    @Test func leavesAreRenewedWithAThirdLeft() throws {
        let set = try WebhookCertificates.make(names: Self.names, now: Self.start)
        #expect(try set.renewed(names: Self.names, now: Self.start + 59 * Self.day) == set)
        let next = try set.renewed(names: Self.names, now: Self.start + 61 * Self.day)
        #expect(next.authorities == set.authorities)
        #expect(next.server != set.server && next.client != set.client)
        #expect(next.serverEnd == Self.start + 151 * Self.day)
    }

    @Test func newNamesNeedANewCertificate() throws {
        let set = try WebhookCertificates.make(names: ["a.example"], now: Self.start)
        let next = try set.renewed(names: ["b.example"], now: Self.start + 1)
        #expect(next.client == set.client && next.authorities == set.authorities)
        #expect(Set(try Life(next.server.certificate).hosts) == ["a.example", "b.example"])
        #expect(try next.renewed(names: ["a.example"], now: Self.start + 2) == next)
    }

    /// Over twenty-five years, looked at every twenty days: what is served is always signed by an authority that was trusted before, and
    /// is never near its end.
    @Test func authoritiesFollowEachOther() throws {
        var set = try WebhookCertificates.make(names: Self.names, now: Self.start)
        var trustedBefore = Set(try set.authorities.map { try Life($0.certificate).subject })
        var most = 1
        var seen = trustedBefore
        for day in stride(from: Int64(0), to: 25 * 365, by: 20) {
            let now = Self.start + day * Self.day
            set = try set.renewed(names: Self.names, now: now)
            let trusted = Set(try set.authorities.map { try Life($0.certificate).subject })
            for pair in [set.server, set.client] {
                let life = try Life(pair.certificate)
                #expect(trusted.contains(life.issuer) && trustedBefore.contains(life.issuer))
                #expect(life.end - now > 9 * Self.day)
            }
            most = max(most, set.authorities.count)
            seen.formUnion(trusted)
            trustedBefore = trusted
        }
        #expect(most == 2 && seen.count >= 4 && set.authorities.count <= 2)
    }

    @Test func theFileHasAllAndIsPrivate() async throws {
        let folder = try ScratchFolder()
        let store = FolderCertificateStore(folder: folder.path + "/tls")
        #expect(try await store.read() == nil)
        let set = try WebhookCertificates.make(names: Self.names, now: Self.start)
        let two = WebhookCertificates(
            authorities: [try Issuing.authority(now: Self.start + 1)] + set.authorities, server: set.server,
            client: set.client)
        try await store.write(two, replacing: nil)
        #expect(try await store.read()?.certificates == two)
        let mode = try FileManager.default.attributesOfItem(atPath: store.file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        for broken in ["{", #"{"data":{"ca.crt":"eA=="}}"#] {
            try broken.write(toFile: store.file, atomically: true, encoding: .utf8)
            await #expect(throws: AdmissionError.self) { _ = try await store.read() }
        }
    }

    @Test func onlyWhoMayWriteRenews() async throws {
        let store = MemoryStore()
        let clock = Mutex(Self.start)
        var options = WebhookAuthority.Options(names: Self.names)
        options.now = { clock.withLock { $0 } }
        let logger = Logger(label: "test")
        let reader = WebhookAuthority(store: store, options: options, mayWrite: { false }, logger: logger)
        let writer = WebhookAuthority(store: store, options: options, mayWrite: { true }, logger: logger)
        try await reader.refresh()
        #expect(reader.current == nil && reader.served == nil)
        try await writer.refresh()
        try await reader.refresh()
        let first = try #require(reader.current)
        #expect(first == writer.current)
        let leaf = try #require(reader.served?.leaf)
        clock.withLock { $0 += 61 * Self.day }
        try await reader.refresh()
        #expect(reader.current == first)
        // Somebody else is quicker at the very moment: theirs count.
        let theirs = try first.renewed(names: Self.names, now: clock.withLock { $0 })
        store.beforeWrite { $0 = (theirs, 7) }
        try await writer.refresh()
        try await reader.refresh()
        #expect(writer.current == theirs && reader.current == theirs && reader.served?.leaf != leaf)
    }
}

/// A store with versions, like a Secret.
final class MemoryStore: WebhookCertificateStore {
    typealias Kept = (certificates: WebhookCertificates, version: Int)?
    private let kept = Mutex<Kept>(nil)
    private let intruder = Mutex<(@Sendable (inout Kept) -> Void)?>(nil)

    func beforeWrite(_ body: @escaping @Sendable (inout Kept) -> Void) { intruder.withLock { $0 = body } }

    func read() async throws -> (certificates: WebhookCertificates, version: String)? {
        kept.withLock { kept in kept.map { ($0.certificates, String($0.version)) } }
    }

    func write(_ certificates: WebhookCertificates, replacing version: String?) async throws {
        let intrusion = intruder.withLock { value in
            defer { value = nil }
            return value
        }
        try kept.withLock { kept in
            intrusion?(&kept)
            guard version == kept.map({ String($0.version) }) else { throw AdmissionError(.conflict, "changed") }
            kept = (certificates, (kept?.version ?? 0) + 1)
        }
    }
}
