// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestSupport
import Testing

/// Debian's docker-registry with TLS and a password, started for a test.
final class DockerRegistry: Sendable {
    let port: Int
    let certificates: TestCertificates
    let folder: ScratchFolder
    static let user = "tester"
    static let password = "hunter2:with:colons"
    private let pid: Int32

    /// What the tests need beside the build's own packages.
    static let isThere: Bool = {
        let missing = ["docker-registry", "htpasswd", "skopeo", "openssl"].filter { Tool.path($0) == nil }
        if !missing.isEmpty {
            print("SKIPPED: tests against a real registry; \(missing.joined(separator: ", ")) is not installed")
        }
        return missing.isEmpty
    }()

    /// - Parameters:
    ///   - names: what its certificate is for, `localhost` at least.
    ///   - auth: the configuration's part for logins; names and passwords unless given.
    ///   - blobsAt: where it sends those who want a blob, by the storage's paths.
    init(names: String = "DNS:localhost,IP:127.0.0.1", auth: String? = nil, blobsAt: String? = nil) async throws {
        folder = try ScratchFolder()
        certificates = try TestCertificates(in: folder, names: names)
        port = try Self.freePort()
        let users = try Tool.run("htpasswd", ["-Bbn", Self.user, Self.password])
        try folder.write(users, to: "htpasswd")
        let auth = auth ?? "{htpasswd: {realm: test, path: \(folder.path)/htpasswd}}"
        try folder.write(
            """
            version: 0.1
            log: {level: error}
            storage: {filesystem: {rootdirectory: \(folder.path)/data}, delete: {enabled: true}}
            http:
              addr: 127.0.0.1:\(port)
              tls: {certificate: \(certificates.certificate), key: \(certificates.key)}
            auth: \(auth)
            \(blobsAt.map { "middleware: {storage: [{name: redirect, options: {baseurl: \"\($0)\"}}]}" } ?? "")
            """, to: "config.yml")
        let process = Process()
        process.executableURL = URL(filePath: try #require(Tool.path("docker-registry")))
        process.arguments = ["serve", folder.path + "/config.yml"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: try folder.write("", to: "log"))
        try process.run()
        pid = process.processIdentifier
        for _ in 0..<200 {
            if Self.connects(port) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Tool.Failure(text: "docker-registry did not start")
    }

    deinit { kill(pid, SIGKILL) }

    /// Copies an OCI layout to the registry by skopeo.
    func push(_ layout: String, as name: String) throws {
        let certs = folder.path + "/certs"
        try? FileManager.default.createDirectory(atPath: certs, withIntermediateDirectories: true)
        try? FileManager.default.copyItem(atPath: certificates.authority, toPath: certs + "/ca.crt")
        try Tool.run(
            "skopeo",
            [
                "--insecure-policy", "copy", "-q", "--all", "--dest-cert-dir", certs, "--dest-creds",
                "\(Self.user):\(Self.password)", "oci:" + layout, "docker://localhost:\(port)/\(name)",
            ])
    }

    private static func socketAddress(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = socketAddress(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(descriptor, place, length) == 0 && getsockname(descriptor, place, &length) == 0
            }
        }
        guard result else { throw Tool.Failure(text: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func connects(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = socketAddress(port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
