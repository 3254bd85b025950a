// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import FoundationEssentials

/// Reads the fields of one kubeconfig entry; every error names the file and the entry.
struct ConfigFields {
    var entry: Kubeconfig.Entry

    init(_ entry: Kubeconfig.Entry) { self.entry = entry }

    func error(_ message: String, what: String = "entry", code: KubernetesError.Code = .invalidKubeconfig)
        -> KubernetesError
    {
        KubernetesError(code, "kubeconfig \(entry.file): \(what) \(entry.name.excerpt(100)) \(message)")
    }

    subscript(key: StaticString) -> Node? {
        guard let node = entry.value?[key], !node.isNull else { return nil }
        return node
    }

    func string(_ key: StaticString) throws -> String? {
        guard let node = self[key] else { return nil }
        guard let text = node.string else { throw error("has a \(key) that is no string (line \(node.line))") }
        return text
    }

    func bool(_ key: StaticString) throws -> Bool {
        guard let node = self[key] else { return false }
        guard let value = node.bool else {
            throw error("has a \(key) that is neither true nor false (line \(node.line))")
        }
        return value
    }

    /// A path as the file means it: relative ones count from the file's own folder.
    func path(_ text: String) -> String {
        if text.hasPrefix("/") { return text }
        let folder = URL(filePath: entry.file).deletingLastPathComponent().path
        let name = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The PEM text of `<key>-data` (base64) or of the file that `<key>` names. The data wins, as in kubectl.
    func pem(_ key: StaticString, data dataKey: StaticString) throws -> PEM? {
        if let text = try string(dataKey), !text.isEmpty {
            guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
                throw error("has a \(dataKey) that is no base64")
            }
            return PEM(bytes: [UInt8](data), origin: "\(dataKey) of \(entry.name.excerpt(100)) in \(entry.file)")
        }
        guard let name = try string(key), !name.isEmpty else { return nil }
        let file = path(name)
        do {
            return PEM(bytes: try readFile(file, limit: 4 << 20, what: "\(key)"), origin: file)
        } catch let failure as KubernetesError {
            throw KubernetesError(
                failure.code, "\(failure.message) (named by \(entry.name.excerpt(100)) in \(entry.file))")
        }
    }
}

/// Certificates or a key as text, and where they come from for messages.
struct PEM: Sendable, CustomStringConvertible {
    var bytes: [UInt8]
    var origin: String

    /// A key must not reach a log through its container.
    var description: String { origin }
}
