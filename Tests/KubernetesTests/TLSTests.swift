// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Kubernetes

@Suite struct TLSTests {
    let folder: ScratchFolder
    init() throws { folder = try ScratchFolder() }

    private func server(names: String) async throws -> (FakeAPIServer, TestCertificates) {
        let certificates = try TestCertificates(in: folder, names: names)
        let server = try await FakeAPIServer(tls: (certificates.certificate, certificates.key)) { _ in
            .json(podList([], version: 1))
        }
        return (server, certificates)
    }

    private func pem(_ path: String) throws -> PEM {
        PEM(bytes: try readFile(path, limit: 99999, what: ""), origin: path)
    }

    private func ask(_ client: APIClient) async throws { for try await _ in try client.list(.pods) {} }

    @Test func theConfiguredAuthorityIsTrustedAndNoOther() async throws {
        let (server, certificates) = try await server(names: "IP:127.0.0.1")
        let authority = try pem(certificates.authority)
        try await ask(client(server.url) { connection, _ in connection.authority = authority })
        let other = try pem(TestCertificates(in: folder, names: "DNS:x").authority)
        let error = await #expect(throws: KubernetesError.self) {
            try await ask(client(server.url) { connection, _ in connection.authority = other })
        }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("not signed by a trusted authority") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("certificate-authority of cluster fake") == true)
        try await ask(client(server.url) { connection, _ in connection.skipsVerification = true })
        try await server.stop()
    }

    @Test func theNameIsChecked() async throws {
        let (server, certificates) = try await server(names: "DNS:api.internal")
        let authority = try pem(certificates.authority)
        let error = await #expect(throws: KubernetesError.self) {
            try await ask(client(server.url) { connection, _ in connection.authority = authority })
        }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("tls-server-name can name it") == true, "\(error?.message ?? "")")
        try await ask(
            client(server.url) { connection, _ in
                connection.authority = authority
                connection.serverName = "api.internal"
            })
        try await server.stop()
    }

    @Test func anHTTPServerAtAnHTTPSAddressIsSaid() async throws {
        let server = try await FakeAPIServer { _ in .json("{}") }
        let client = try client(server.url.replacingOccurrences(of: "http:", with: "https:"))
        let error = await #expect(throws: KubernetesError.self) { try await ask(client) }
        #expect(error?.code == .tls)
        #expect(error?.message.contains("does not speak TLS") == true, "\(error?.message ?? "")")
        try await server.stop()
    }

    @Test func aCertificateWithoutItsKeyIsNoticedAtOnce() throws {
        let one = try TestCertificates(in: folder, names: "DNS:a")
        let two = try TestCertificates(in: folder, names: "DNS:b")
        let error = #expect(throws: KubernetesError.self) {
            _ = try TLSIdentity(certificate: pem(one.certificate), key: pem(two.key))
        }
        #expect(error?.message == "\(one.certificate) and \(two.key) do not belong together")
        _ = try TLSIdentity(certificate: pem(one.certificate), key: pem(one.key))
    }

    @Test func anAuthorityThatIsNoneIsNamed() throws {
        let error = #expect(throws: KubernetesError.self) {
            _ = try client("https://127.0.0.1:1") { connection, _ in
                connection.authority = PEM(bytes: Array("nonsense".utf8), origin: "/etc/x/ca.crt")
            }
        }
        #expect(error?.message == "/etc/x/ca.crt holds no PEM certificate")
    }
}
