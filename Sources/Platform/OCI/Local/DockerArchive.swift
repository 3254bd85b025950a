// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents

/// What `docker save` writes: a tar with `manifest.json`, which lists images with their configuration and layers.
struct DockerArchive {
    private struct Entry {
        var config: String
        var names: [String]
        var layers: [String]
    }

    private let folder: ArchiveFolder
    private let entries: [Entry]

    static func isOne(_ folder: ArchiveFolder) -> Bool { folder.contains("manifest.json") }

    init(_ folder: ArchiveFolder) throws(OCIError) {
        self.folder = folder
        guard Self.isOne(folder) else {
            if folder.contains("repositories") {
                throw OCIError(
                    .unsupported, "\(folder.path) was saved by a Docker older than 1.10; save the image again")
            }
            throw OCIError(.malformed, "\(folder.path) is no image archive: it has no manifest.json")
        }
        let name = "manifest.json of \(folder.path)"
        let bytes = try folder.file("manifest.json").contents(limit: Manifest.maxBytes, name: name)
        let reader = try JSONFields(bytes, name: name)
        guard reader.root.isArray else { throw reader.wrong("it is no array") }
        var entries: [Entry] = []
        for node in reader.root.elements {
            guard node.isObject else { throw reader.wrong("an entry is no object") }
            let entry = Entry(
                config: try reader.text(node, "Config"), names: try reader.texts(node, "RepoTags"),
                layers: try reader.texts(node, "Layers"))
            guard !entry.config.isEmpty else { throw reader.wrong("an entry has no Config") }
            guard entry.layers.count <= Manifest.maxEntries else {
                throw OCIError(.tooLarge, "\(name): an image has \(entry.layers.count) layers")
            }
            entries.append(entry)
        }
        self.entries = entries
    }

    func image(named wanted: String?, as shown: String) throws(OCIError) -> Image {
        let entry = try choose(wanted)
        let file = try folder.file(entry.config)
        let name = "configuration of \(folder.path)"
        let bytes = try file.contents(limit: Manifest.maxBytes, name: name)
        let id = Digest(of: bytes)
        // The file is named after its digest.
        if let said = Self.digest(in: entry.config), said != id { throw .wrong(name, expected: said, came: id) }
        let configuration = try ImageConfiguration(bytes, name: folder.path)
        var blobs: [Image.Blob] = []
        for path in entry.layers {
            // A layer that is missing is so only to who reads it.
            let file = Result { () throws(OCIError) in try folder.file(path) }
            blobs.append(
                Image.Blob(
                    digest: path.hasSuffix("/layer.tar") ? "" : Self.digest(in: path)?.description ?? "",
                    mediaType: "application/vnd.docker.image.rootfs.diff.tar", size: (try? file.get())?.size ?? 0,
                    fetch: { () throws(OCIError) in try file.get() }))
        }
        let found = Self.name(wanted, among: entry.names) ?? entry.names.first ?? ""
        return try Image(
            name: shown, reference: (try? ImageReference(found))?.description ?? found, manifestDigest: "",
            configDigest: id.description, configuration: configuration, blobs: blobs)
    }

    private func choose(_ wanted: String?) throws(OCIError) -> Entry {
        let there = entries.map { $0.names.first ?? "unnamed \($0.config)" }.prefix(50).joined(separator: ", ").plain(
            2000)
        guard let wanted else {
            guard let first = entries.first else { throw OCIError(.notFound, "\(folder.path) holds no image") }
            guard entries.count == 1 else {
                throw OCIError(.ambiguous, "\(folder.path) holds several images, name one of them: \(there)")
            }
            return first
        }
        if let entry = entries.first(where: { $0.names.contains { ImageName.isSame(wanted, $0) } }) { return entry }
        let found = entries.filter { Self.name(wanted, among: $0.names) != nil }
        guard let first = found.first else {
            throw OCIError(.notFound, "\(folder.path) holds no image \(wanted.excerpt()); there are: \(there)")
        }
        guard found.count == 1 else {
            throw OCIError(
                .ambiguous, "\(folder.path) holds several images of tag \(wanted.excerpt()), name one of them: \(there)"
            )
        }
        return first
    }

    private static func name(_ wanted: String?, among names: [String]) -> String? {
        guard let wanted else { return nil }
        return names.first { ImageName.matches(wanted, $0) }
    }

    /// `0123….json`, `0123….tar`, `blobs/sha256/0123…`
    private static func digest(in path: String) -> Digest? {
        let last = path.split(separator: "/").last ?? ""
        return try? Digest("sha256:" + (last.split(separator: ".", maxSplits: 1).first ?? ""))
    }
}

/// Names that archives, layouts and storages give their images.
enum ImageName {
    /// Whether both are the same once completed; what a build names `app`, podman calls `localhost/app`.
    static func isSame(_ wanted: String, _ name: String) -> Bool {
        if wanted == name { return true }
        guard let one = try? ImageReference(wanted), let two = try? ImageReference(name) else { return false }
        if one == two { return true }
        let isBare = one.registry == ImageReference.defaultRegistry && two.registry == "localhost"
        return isBare && one.tag == two.tag && one.digest == two.digest
            && (one.repository == "library/" + two.repository || one.repository == two.repository)
    }

    /// Whether a user who wrote `wanted` means the image called `name`: the same, the same once completed, or its tag.
    static func matches(_ wanted: String, _ name: String) -> Bool {
        if isSame(wanted, name) { return true }
        guard ImageReference.isTag(wanted[...]), let colon = name.lastIndex(of: ":") else { return false }
        return !name[colon...].contains("/") && name[colon...].dropFirst() == wanted
    }
}
