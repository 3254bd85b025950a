// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// An authority and a server certificate signed by it, as PEM files, made with openssl.
package struct TestCertificates: Sendable {
    package let authority: String
    package let certificate: String
    package let key: String

    /// - Parameter names: the certificate's subjectAltName: `DNS:localhost,IP:127.0.0.1`.
    package init(in folder: ScratchFolder, names: String) throws {
        let base = folder.path + "/tls-" + UUID().uuidString
        authority = base + "-ca.crt"
        certificate = base + ".crt"
        key = base + ".key"
        let extensions = try folder.write(
            "subjectAltName=\(names)\n", to: URL(filePath: base).lastPathComponent + ".ext")
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Self.openssl(
            [
                "req", "-x509", "-subj", "/CN=test authority", "-days", "2", "-out", authority, "-keyout",
                base + "-ca.key",
            ]
                + newKey)
        try Self.openssl(["req", "-subj", "/CN=test server", "-out", base + ".csr", "-keyout", key] + newKey)
        try Self.openssl([
            "x509", "-req", "-in", base + ".csr", "-CA", authority, "-CAkey", base + "-ca.key", "-set_serial", "2",
            "-days", "2", "-extfile", extensions, "-out", certificate,
        ])
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestClusterError(message: "openssl \(arguments.joined(separator: " ")) failed")
        }
    }
}
