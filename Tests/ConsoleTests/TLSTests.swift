// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import ServiceLifecycle
import TestSupport
import Testing

@testable import Console

struct CertificateTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let now: Int64 = 1_790_000_000

    private func current(_ file: String, names: [String] = ["localhost"], now: Int64) throws -> String {
        try SelfIssuedCertificate.current(file: file, names: names, now: now, logger: logger).certificate
    }

    @Test func isKeptPrivatelyAndRenewedInTime() throws {
        let folder = try ScratchFolder()
        let file = folder.path + "/state/tls/console.pem"
        let first = try current(file, now: now)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/state/tls") == ["console.pem"])
        #expect(try current(file, now: now + 300 * 86_400) == first)
        let second = try current(file, now: now + 368 * 86_400)
        #expect(second != first)
        // Another name, a clock that went back, a damaged file: each gets a new one.
        let third = try current(file, names: ["localhost", "other.example", "10.0.0.1"], now: now + 368 * 86_400)
        #expect(third != second)
        #expect(try current(file, names: ["10.0.0.1"], now: now + 368 * 86_400) == third)
        let fourth = try current(file, now: now)
        #expect(fourth != third)
        for damage in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            try Data(damage.utf8).write(to: URL(filePath: file))
            let made = try current(file, now: now)
            #expect(made.contains("BEGIN CERTIFICATE"))
            #expect(try current(file, now: now) == made)
        }
    }

    @Test func saysWhatItIs() throws {
        let pem = try SelfIssuedCertificate.make(names: ["localhost", "127.0.0.1", "::1"], now: now)
        let certificate = try NIOSSLCertificate.fromPEMBytes(Array(pem.certificate.utf8))[0]
        #expect(Int64(certificate.notValidAfter) == now + SelfIssuedCertificate.lifetime)
        #expect(Set(certificate._subjectAlternativeNames().map { $0.contents.count }) == [9, 4, 16])
    }

    @Test func refusesWhatCannotBeKept() throws {
        let folder = try ScratchFolder()
        try folder.write("x", to: "file")
        #expect(throws: ConsoleError.self) { try current(folder.path + "/file/console.pem", now: now) }
    }

    @Test func servesFilesAndFollowsTheirChange() throws {
        let folder = try ScratchFolder()
        let (certificate, key) = (folder.path + "/tls.crt", folder.path + "/tls.key")
        let first = try SelfIssuedCertificate.make(names: ["localhost"], now: now)
        try folder.write(first.certificate, to: "tls.crt")
        try folder.write(first.key, to: "tls.key")
        let identity = try ServerIdentity(
            source: .files(certificate: certificate, key: key), logger: logger, now: now)
        let before = identity.fingerprint
        #expect(before.count == 95)
        identity.refresh(now: now)
        #expect(identity.fingerprint == before)
        // A certificate without its key is not taken.
        let second = try SelfIssuedCertificate.make(names: ["localhost"], now: now)
        try folder.write(second.certificate + "\n", to: "tls.crt")
        identity.refresh(now: now)
        #expect(identity.fingerprint == before)
        try folder.write(second.key + "\n", to: "tls.key")
        identity.refresh(now: now)
        #expect(identity.fingerprint != before)
        try folder.write("nonsense", to: "tls.crt")
        identity.refresh(now: now)
        #expect(identity.fingerprint != before)
        #expect(throws: ConsoleError.self) {
            try ServerIdentity(source: .files(certificate: certificate, key: key), logger: logger, now: now)
        }
    }

    @Test func needsBothFiles() async throws {
        await #expect(throws: ConsoleError.self) {
            try await ConsoleFixture(configuration: { $0.certificateFile = "/nowhere.pem" })
        }
    }
}

/// A real server and a real client.
@Suite(.timeLimit(.minutes(2)))
struct WireTests {
    private func serve(
        _ change: (inout ConsoleConfiguration) -> Void = { _ in },
        _ body: @Sendable (Int, ConsoleFixture) async throws -> Void
    ) async throws {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let console = try await ConsoleFixture(configuration: change, onRunning: { found.yield($0) })
        let quiet = Logger(label: "group") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(configuration: .init(services: [console.server], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            do { try await body(port, console) } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func ask(
        _ request: HTTPClientRequest, _ change: (inout TLSConfiguration) -> Void
    ) async throws -> HTTPClientResponse {
        var tls = TLSConfiguration.makeClientConfiguration()
        change(&tls)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(configuration: configuration)
        do {
            let response = try await client.execute(request, timeout: .seconds(20))
            try await client.shutdown()
            return response
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    @Test func itsCertificateCanBeTrusted() async throws {
        try await serve { port, console in
            let pem = console.folder.path + "/tls/console.pem"
            let kept = try String(contentsOfFile: pem, encoding: .utf8)
            let start = try #require(kept.range(of: "-----BEGIN CERTIFICATE-----"))
            let own = try NIOSSLCertificate.fromPEMBytes(Array(kept[start.lowerBound...].utf8))
            for host in ["localhost", "127.0.0.1"] {
                let request = HTTPClientRequest(url: "https://\(host):\(port)/healthz")
                let answer = try await ask(request) { $0.trustRoots = .certificates(own) }
                #expect(answer.status == .ok)
                #expect(answer.headers.first(name: "Strict-Transport-Security") != nil)
            }
            let request = HTTPClientRequest(url: "https://localhost:\(port)/healthz")
            await #expect(throws: (any Error).self) { try await ask(request) { _ in } }
            await #expect(throws: (any Error).self) {
                try await ask(request) {
                    $0.certificateVerification = .none
                    $0.maximumTLSVersion = .tlsv11
                }
            }
            await #expect(throws: (any Error).self) {
                try await ask(HTTPClientRequest(url: "http://localhost:\(port)/healthz")) { _ in }
            }
        }
    }

    /// Whoever sends a body drop by drop is not waited for.
    @Test func slowBodiesAreCutOff() async throws {
        try await serve({ $0.bodySeconds = 1 }) { port, _ in
            var request = HTTPClientRequest(url: "https://localhost:\(port)/login")
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            let (drops, source) = AsyncStream.makeStream(of: ByteBuffer.self)
            source.yield(ByteBuffer(string: "name="))
            request.body = .stream(drops, length: .known(Int64(1000)))
            let answer = try await ask(request) { $0.certificateVerification = .none }
            #expect(answer.status == .requestTimeout)
            source.finish()
        }
    }

    @Test func largeHeadersAndBodiesAreRefused() async throws {
        try await serve { port, _ in
            var request = HTTPClientRequest(url: "https://localhost:\(port)/login")
            request.headers.add(name: "X-Large", value: String(repeating: "a", count: 40_000))
            let answer = try? await ask(request) { $0.certificateVerification = .none }
            #expect(answer == nil || answer?.status.code ?? 0 >= 400)
            var post = HTTPClientRequest(url: "https://localhost:\(port)/login")
            post.method = .POST
            post.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            post.body = .bytes(ByteBuffer(repeating: 97, count: 1_000_000))
            let refused = try? await ask(post) { $0.certificateVerification = .none }
            #expect(refused == nil || refused?.status == .payloadTooLarge)
            // It still serves.
            let after = try await ask(HTTPClientRequest(url: "https://localhost:\(port)/healthz")) {
                $0.certificateVerification = .none
            }
            #expect(after.status == .ok)
        }
    }
}
