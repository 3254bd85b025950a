// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents
import Glibc

/// Where content lies by its digest.
protocol BlobStore: Sendable {
    /// For messages.
    var name: String { get }
    /// - Throws: `notFound`, `unreadable`
    func blob(_ digest: Digest) throws(OCIError) -> FileRange
}

/// A folder `blobs/sha256/…`, of an OCI layout or of containerd.
struct BlobFolder: BlobStore {
    let name: String
    let path: String
    /// Why something may not be there.
    var hint = ""

    func blob(_ digest: Digest) throws(OCIError) -> FileRange {
        let file = "\(path)/\(digest.algorithm.rawValue)/\(digest.hex)"
        guard access(file, F_OK) == 0 || errno != ENOENT else {
            throw OCIError(.notFound, "\(name) does not hold \(digest)\(hint)")
        }
        return try .opened(file)
    }
}

/// The same inside a tar.
extension ArchiveFolder: BlobStore {
    var name: String { path }

    func blob(_ digest: Digest) throws(OCIError) -> FileRange {
        try file("blobs/\(digest.algorithm.rawValue)/\(digest.hex)")
    }
}

extension BlobStore {
    /// A manifest or configuration, held against its descriptor.
    func document(_ descriptor: Descriptor) throws(OCIError) -> [UInt8] {
        let bytes = try blob(descriptor.digest).contents(
            limit: Manifest.maxBytes, name: "\(descriptor.digest) of \(name)")
        let came = Digest(of: bytes, descriptor.digest.algorithm)
        guard came == descriptor.digest else {
            throw .wrong("a blob of \(name)", expected: descriptor.digest, came: came)
        }
        guard Int64(bytes.count) == descriptor.size else {
            throw OCIError(
                .malformed, "\(descriptor.digest) of \(name) has \(bytes.count) bytes instead of \(descriptor.size)")
        }
        return bytes
    }

    /// The image that a descriptor leads to, through lists of platforms.
    func image(
        _ start: Descriptor, platform: ImagePlatform?, as shown: String, reference: String
    ) throws(OCIError) -> Image {
        var descriptor = start
        for _ in 0..<ImageIndexes.maxDepth {
            switch try Manifest(document(descriptor), mediaType: descriptor.mediaType, name: shown) {
            case .index(let entries):
                descriptor = try Manifest.choose(entries, platform: platform, name: shown)
            case .image(let config, let layers):
                let configuration = try ImageConfiguration(document(config), name: shown)
                try ImageIndexes.check(configuration, platform, name: shown)
                var blobs: [Image.Blob] = []
                for layer in layers {
                    blobs.append(
                        Image.Blob(
                            digest: layer.digest.description, mediaType: layer.mediaType, size: layer.size,
                            fetch: { () throws(OCIError) in
                                let range = try blob(layer.digest)
                                guard range.size == layer.size else {
                                    throw OCIError(
                                        .wrongDigest,
                                        "layer \(layer.digest) of \(name) has \(range.size) bytes instead of \(layer.size)"
                                    )
                                }
                                return range
                            }))
                }
                return try Image(
                    name: shown, reference: reference, manifestDigest: descriptor.digest.description,
                    configDigest: config.digest.description, configuration: configuration, blobs: blobs)
            }
        }
        throw OCIError(.malformed, "\(shown): lists of manifests are nested deeper than \(ImageIndexes.maxDepth)")
    }
}

enum ImageIndexes {
    /// Lists inside lists, the image's own manifest included.
    static let maxDepth = 5

    /// A manifest of its own says only in its configuration what it runs on.
    static func check(
        _ configuration: ImageConfiguration, _ platform: ImagePlatform?, name: String
    ) throws(OCIError) {
        guard let platform, !configuration.architecture.isEmpty, !configuration.os.isEmpty else { return }
        let own = ImagePlatform(
            os: configuration.os, architecture: configuration.architecture, variant: configuration.variant)
        guard platform.distance(to: own) != nil || (own.os == platform.os && own.architecture == platform.architecture)
        else { throw OCIError(.notFound, "\(name) is an image for \(own.description.plain()), not for \(platform)") }
    }
}

/// A folder or tar as the OCI image layout specification has it: `oci-layout`, `index.json` and `blobs`.
struct ImageLayout {
    private let store: any BlobStore
    private let entries: [Descriptor]

    /// - Parameter index: the bytes of index.json.
    init(_ store: any BlobStore, layout: [UInt8]?, index: [UInt8]) throws(OCIError) {
        self.store = store
        if let layout {
            let reader = try JSONFields(layout, name: "oci-layout of \(store.name)")
            let version = try reader.text(reader.root, "imageLayoutVersion")
            guard version.hasPrefix("1.") else {
                throw OCIError(
                    .unsupported, "\(store.name) is a layout of version \(version.excerpt()); 1.0.0 is known")
            }
        }
        guard case .index(let entries) = try Manifest(index, mediaType: MediaType.ociIndex, name: store.name) else {
            throw OCIError(.malformed, "index.json of \(store.name) is no index")
        }
        self.entries = entries.filter { !$0.isAttestation }
    }

    static func isOne(_ folder: ArchiveFolder) -> Bool { folder.contains("index.json") }

    static func isOne(path: String) -> Bool { access(path + "/index.json", F_OK) == 0 }

    init(path: String) throws(OCIError) {
        func read(_ name: String) throws(OCIError) -> [UInt8] {
            try FileRange.opened(path + "/" + name).contents(limit: Manifest.maxBytes, name: "\(path)/\(name)")
        }
        guard Self.isOne(path: path) else {
            throw OCIError(.malformed, "\(path) is no OCI layout: it has no index.json")
        }
        let hasVersion = access(path + "/oci-layout", F_OK) == 0
        try self.init(
            BlobFolder(name: path, path: path + "/blobs"), layout: hasVersion ? read("oci-layout") : nil,
            index: read("index.json"))
    }

    init(_ folder: ArchiveFolder) throws(OCIError) {
        func read(_ name: String) throws(OCIError) -> [UInt8] {
            try folder.file(name).contents(limit: Manifest.maxBytes, name: "\(name) of \(folder.path)")
        }
        guard Self.isOne(folder) else {
            throw OCIError(.malformed, "\(folder.path) is no OCI archive: it has no index.json")
        }
        try self.init(
            folder, layout: folder.contains("oci-layout") ? read("oci-layout") : nil, index: read("index.json"))
    }

    func image(named wanted: String?, platform: ImagePlatform?, as shown: String) throws(OCIError) -> Image {
        let there = Set(entries.map { Self.name(of: $0).isEmpty ? "unnamed \($0.digest)" : Self.name(of: $0) }).sorted()
            .prefix(50).joined(separator: ", ").plain(2000)
        var chosen = entries
        if let wanted {
            chosen = entries.filter { entry in
                wanted == entry.digest.description || Self.names(of: entry).contains { ImageName.matches(wanted, $0) }
            }
            guard !chosen.isEmpty else {
                throw OCIError(.notFound, "\(store.name) holds no image \(wanted.excerpt()); there are: \(there)")
            }
        }
        guard let first = chosen.first else { throw OCIError(.notFound, "\(store.name) holds no image") }
        // Several entries of one name are the platforms of one image.
        let name = Self.name(of: first)
        let isOne =
            chosen.allSatisfy { $0.digest == first.digest }
            || chosen.allSatisfy { Self.name(of: $0) == name && $0.platform != nil }
        guard isOne else {
            throw OCIError(.ambiguous, "\(store.name) holds several images, name one of them: \(there)")
        }
        let entry =
            chosen.count == 1 || chosen.allSatisfy { $0.digest == first.digest }
            ? first : try Manifest.choose(chosen, platform: platform, name: shown)
        // A bare tag is no reference: the layout does not say of which repository.
        let isReference = name.contains("/") || name.contains(":")
        return try store.image(
            entry, platform: platform, as: shown,
            reference: isReference ? (try? ImageReference(name))?.description ?? name : "")
    }

    private static func names(of entry: Descriptor) -> [String] {
        ["io.containerd.image.name", "org.opencontainers.image.ref.name"].compactMap { entry.annotations[$0] }
    }

    private static func name(of entry: Descriptor) -> String { names(of: entry).first ?? "" }
}
