// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import FoundationEssentials

/// The clusters, users and contexts of one or more kubeconfig files, merged as kubectl merges them: the first file
/// that sets `current-context` or defines a name wins, and relative paths count from the file that holds them.
package struct Kubeconfig: Sendable {
    /// One named entry and where it stands.
    struct Entry: Sendable {
        var name: String
        /// The value below the name: `cluster`, `user` or `context`; nil when it is left out.
        var value: Node?
        var file: String
    }

    /// The files read, in the order that decides.
    package private(set) var files: [String] = []
    package private(set) var currentContext: String?
    private(set) var contexts: [Entry] = []
    private(set) var clusters: [Entry] = []
    private(set) var users: [Entry] = []

    package var contextNames: [String] { contexts.map(\.name) }

    /// Reads `path`, or what `KUBECONFIG` lists, or `~/.kube/config`.
    /// - Returns: nil when `path` is nil and none of the default files exists.
    package static func load(path: String?, environment: [String: String]) throws -> Kubeconfig? {
        if let path { return try Kubeconfig(files: [path]) }
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            let named = list.split(separator: ":").map(String.init)
            let present = named.filter { FileManager.default.fileExists(atPath: $0) }
            // A list may name files that are yet to be made; a list of nothing but such files is a mistake.
            guard !present.isEmpty else {
                throw KubernetesError(.noKubeconfig, "KUBECONFIG names \(list.excerpt()), and no such file exists")
            }
            return try Kubeconfig(files: present)
        }
        let home =
            environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? FileManager.default.homeDirectoryForCurrentUser.path
        let file = home + "/.kube/config"
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return try Kubeconfig(files: [file])
    }

    init(files: [String]) throws {
        for file in files {
            let bytes = try readFile(file, limit: 4 << 20, what: "kubeconfig")
            try add(bytes, file: file)
        }
    }

    /// Merges one more file's text.
    mutating func add(_ bytes: [UInt8], file: String) throws {
        files.append(file)
        for document in try Self.parse(bytes, file: file) {
            let root = document.root
            if root.isNull { continue }
            guard root.kind == .object else {
                throw KubernetesError(.invalidKubeconfig, "\(file) is no kubeconfig: expected a mapping at the top")
            }
            if let kind = root["kind"]?.string, kind != "Config" {
                throw KubernetesError(
                    .invalidKubeconfig, "\(file) is no kubeconfig: its kind is \(kind.excerpt(60)), expected Config")
            }
            if currentContext == nil, let name = root["current-context"]?.string, !name.isEmpty {
                currentContext = name
            }
            try merge(root["contexts"], key: "contexts", inner: "context", file: file, into: &contexts)
            try merge(root["clusters"], key: "clusters", inner: "cluster", file: file, into: &clusters)
            try merge(root["users"], key: "users", inner: "user", file: file, into: &users)
        }
    }

    private static func parse(_ bytes: [UInt8], file: String) throws -> [Document] {
        do {
            return try DocumentReader.documents(in: bytes, source: file).map { try $0.get() }
        } catch {
            throw KubernetesError(.invalidKubeconfig, "kubeconfig \(error)", cause: error)
        }
    }

    private func merge(_ list: Node?, key: String, inner: StaticString, file: String, into entries: inout [Entry])
        throws
    {
        guard let list, !list.isNull else { return }
        guard list.kind == .array else {
            throw KubernetesError(.invalidKubeconfig, "kubeconfig \(file):\(list.line): \(key) must be a list")
        }
        for item in list.elements {
            guard let name = item["name"]?.string else {
                throw KubernetesError(
                    .invalidKubeconfig, "kubeconfig \(file):\(item.line): every entry of \(key) needs a name")
            }
            if entries.contains(where: { $0.name == name }) { continue }
            entries.append(Entry(name: name, value: item[inner], file: file))
        }
    }

    /// What the context called `name` (the current one when nil) reaches and as whom.
    package func connection(context name: String? = nil) throws -> ClusterConnection {
        let origin = files.joined(separator: ", ")
        guard let wanted = name ?? currentContext else {
            if contexts.isEmpty { throw KubernetesError(.invalidKubeconfig, "\(origin) defines no context") }
            throw KubernetesError(
                .invalidKubeconfig, "\(origin) sets no current-context; name one of: \(contextNames.named)")
        }
        let context = try Self.find(wanted, in: contexts, what: "context", origin: origin)
        let fields = ConfigFields(context)
        guard let clusterName = try fields.string("cluster") else {
            throw fields.error("has no cluster", what: "context")
        }
        let cluster = try Self.find(clusterName, in: clusters, what: "cluster", origin: origin)
        var connection = try ClusterConnection(cluster: ConfigFields(cluster))
        connection.context = wanted
        connection.namespace = try fields.string("namespace") ?? "default"
        if let userName = try fields.string("user"), !userName.isEmpty {
            let user = try Self.find(userName, in: users, what: "user", origin: origin)
            try connection.authenticate(as: ConfigFields(user))
        }
        return connection
    }

    private static func find(_ name: String, in entries: [Entry], what: String, origin: String) throws -> Entry {
        if let entry = entries.first(where: { $0.name == name }) { return entry }
        let others = entries.isEmpty ? "it defines none" : "it has \(entries.map(\.name).named)"
        throw KubernetesError(.invalidKubeconfig, "\(origin) has no \(what) \(name.excerpt(100)); \(others)")
    }
}

extension [String] {
    /// The names for a message; a few of very many.
    var named: String {
        let shown = prefix(20).map { $0.excerpt(100) }.joined(separator: ", ")
        return count > 20 ? shown + " and \(count - 20) more" : shown
    }
}

/// Reads a file of bounded size.
/// - Throws: `unreadableFile` naming the file and what it is for.
func readFile(_ path: String, limit: Int, what: String) throws -> [UInt8] {
    guard let file = FileManager.default.contents(atPath: path, limit: limit) else {
        let reason =
            !FileManager.default.fileExists(atPath: path)
            ? "there is no such file"
            : !FileManager.default.isReadableFile(atPath: path)
                ? "this user may not read it" : "it is no ordinary file of at most \(limit) bytes"
        throw KubernetesError(.unreadableFile, "\(what) \(path): \(reason)")
    }
    return file
}

extension FileManager {
    /// The bytes of an ordinary file of at most `limit` bytes, nil otherwise. A pipe or device is not opened.
    fileprivate func contents(atPath path: String, limit: Int) -> [UInt8]? {
        let real = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? attributesOfItem(atPath: real),
            attributes[.type] as? FileAttributeType == .typeRegular,
            let size = attributes[.size] as? Int, size <= limit, let data = contents(atPath: real)
        else { return nil }
        return data.count <= limit ? [UInt8](data) : nil
    }
}
