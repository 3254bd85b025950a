// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Glibc
import Kubernetes

/// Where the certificates are kept, for all replicas.
package protocol WebhookCertificateStore: Sendable {
    /// Nil when there are none yet. The version is handed back to `write`.
    func read() async throws -> (certificates: WebhookCertificates, version: String)?
    /// - Parameter version: of what is replaced; nil to make the first.
    /// - Throws: `conflict` when somebody else wrote meanwhile.
    func write(_ certificates: WebhookCertificates, replacing version: String?) async throws
}

/// One Secret in our namespace, read and written by its name.
package struct SecretCertificateStore: WebhookCertificateStore {
    package static let name = "bulwark-admission-tls"
    private static let secrets = APIResource(
        group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)

    private let client: APIClient
    private let namespace: String

    package init(client: APIClient, namespace: String) {
        self.client = client
        self.namespace = namespace
    }

    package func read() async throws -> (certificates: WebhookCertificates, version: String)? {
        do {
            let secret = try await client.get(Self.secrets, namespace: namespace, name: Self.name)
            guard let certificates = try CertificateFile.decode(secret.node["data"]) else { return nil }
            return (certificates, secret.identity.resourceVersion)
        } catch let error as KubernetesError where error.code == .notFound {
            return nil
        }
    }

    package func write(_ certificates: WebhookCertificates, replacing version: String?) async throws {
        let text = CertificateFile.encode(certificates, name: Self.name, namespace: namespace, version: version)
        do {
            if version == nil {
                _ = try await client.create(Self.secrets, namespace: namespace, .json(text))
            } else {
                _ = try await client.replace(Self.secrets, namespace: namespace, name: Self.name, .json(text))
            }
        } catch let error as KubernetesError where error.code == .conflict {
            throw AdmissionError(.conflict, "the Secret \(namespace)/\(Self.name) was changed by somebody else")
        }
    }
}

/// One file that only its owner can read, for a server outside the cluster.
package struct FolderCertificateStore: WebhookCertificateStore {
    package let file: String

    package init(folder: String) { file = folder + "/admission-tls.json" }

    package func read() async throws -> (certificates: WebhookCertificates, version: String)? {
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw AdmissionError(.certificate, "\(file) cannot be read")
        }
        do {
            let document = try JSONReader.read(Array(data), source: file)
            guard let certificates = try CertificateFile.decode(document.root["data"]) else { return nil }
            return (certificates, "")
        } catch let error as DocumentError {
            throw AdmissionError(.certificate, "\(error)")
        }
    }

    package func write(_ certificates: WebhookCertificates, replacing version: String?) async throws {
        let text = CertificateFile.encode(certificates, name: SecretCertificateStore.name, namespace: "", version: nil)
        do { try PrivateFile.write(text, to: file) } catch {
            throw AdmissionError(.certificate, "\(file) cannot be written", cause: error)
        }
    }
}

/// The form of the Secret, which the file has too.
enum CertificateFile {
    static func encode(
        _ certificates: WebhookCertificates, name: String, namespace: String, version: String?
    ) -> String {
        func field(_ name: String, _ text: String) -> String {
            "\"\(name)\":\"\(Data(text.utf8).base64EncodedString())\""
        }
        let data = [
            field("ca.crt", certificates.bundle), field("ca.key", certificates.authorities.map(\.key).joined()),
            field("tls.crt", certificates.server.certificate), field("tls.key", certificates.server.key),
            field("client.crt", certificates.client.certificate), field("client.key", certificates.client.key),
        ]
        var metadata = ["\"name\":\"\(name)\"", #""labels":{"app.kubernetes.io/managed-by":"bulwark"}"#]
        if !namespace.isEmpty { metadata.append("\"namespace\":\"\(namespace)\"") }
        if let version { metadata.append("\"resourceVersion\":\"\(version)\"") }
        return #"{"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{"#
            + metadata.joined(separator: ",") + #"},"data":{"# + data.joined(separator: ",") + "}}"
    }

    /// Nil when nothing is in it; an error when something is, but not all or not readable.
    static func decode(_ data: Node?) throws -> WebhookCertificates? {
        guard let data, data.isObject, data.count > 0 else { return nil }
        func field(_ name: String) throws -> String {
            guard let text = data[dynamic: name]?.string, let bytes = Data(base64Encoded: text),
                let pem = String(data: bytes, encoding: .utf8), !pem.isEmpty
            else { throw AdmissionError(.certificate, "\(SecretCertificateStore.name) lacks \(name)") }
            return pem
        }
        let authorities = blocks(try field("ca.crt"))
        let keys = blocks(try field("ca.key"))
        guard !authorities.isEmpty, authorities.count == keys.count else {
            throw AdmissionError(
                .certificate, "\(SecretCertificateStore.name) has not one key for each authority")
        }
        return WebhookCertificates(
            authorities: zip(authorities, keys).map { CertificatePair(certificate: $0, key: $1) },
            server: CertificatePair(certificate: try field("tls.crt"), key: try field("tls.key")),
            client: CertificatePair(certificate: try field("client.crt"), key: try field("client.key")))
    }

    /// The PEM blocks of a text, each with its last line's end.
    private static func blocks(_ text: String) -> [String] {
        var blocks: [String] = []
        var lines: [Substring] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("-----BEGIN ") { lines = [] }
            lines.append(line)
            if line.hasPrefix("-----END ") { blocks.append(lines.joined(separator: "\n") + "\n") }
        }
        return blocks
    }
}

/// A file that only its owner can read, from the first byte on. A reader sees the old content or the new one.
package enum PrivateFile {
    package static func write(_ text: String, to file: String) throws {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let draft = file + "." + UUID().uuidString
        guard FileManager.default.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown) }
        do {
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
            try handle.write(contentsOf: Data(text.utf8))
            try handle.synchronize()
            try handle.close()
            guard rename(draft, file) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            unlink(draft)
            throw error
        }
    }
}
