// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Points to content by its digest (OCI image specification, descriptor.md).
package struct Descriptor: Sendable, Hashable {
    package var mediaType: String
    package var digest: Digest
    /// Bytes, not negative.
    package var size: Int64
    /// Of an entry of an index that names one.
    package var platform: ImagePlatform?
    package var annotations: [String: String] = [:]

    /// Provenance or an inventory that build tools put beside the images of an index.
    var isAttestation: Bool {
        annotations["vnd.docker.reference.type"] != nil
            || (platform?.os == "unknown" && platform?.architecture == "unknown")
    }
}

/// A manifest: of one image, or a list of manifests.
package enum Manifest: Sendable {
    case image(config: Descriptor, layers: [Descriptor])
    /// An OCI image index or Docker's manifest list.
    case index([Descriptor])

    /// Bytes of a manifest or configuration, at most: what registries themselves accept.
    package static let maxBytes = 4 << 20
    /// Layers of an image, or manifests of an index, at most.
    package static let maxEntries = 4096

    /// Reads an OCI manifest or index, or Docker's schema 2.
    /// - Parameters:
    ///   - mediaType: what the registry or descriptor said; what the manifest itself says must agree.
    ///   - name: for messages.
    /// - Throws: `malformed`, `tooLarge`; `unsupported` for schema 1 and for what is no container image.
    package init(_ bytes: [UInt8], mediaType: String = "", name: String) throws(OCIError) {
        let reader = try JSONFields(bytes, name: "manifest of \(name)")
        let root = reader.root
        let stated = try reader.text(root, "mediaType")
        if root["schemaVersion"]?.int == 1 || MediaType.isSchema1(mediaType) {
            throw OCIError(
                .unsupported, "\(reader.name) is of schema 1, which registries have given up; push the image again")
        }
        guard root["schemaVersion"]?.int == 2 else { throw reader.wrong("schemaVersion is not 2") }
        let type = stated.isEmpty ? mediaType : stated
        if MediaType.isManifest(mediaType), !stated.isEmpty, MediaType.isIndex(mediaType) != MediaType.isIndex(stated) {
            throw reader.wrong("it says to be \(stated.excerpt()) but was announced as \(mediaType.excerpt())")
        }
        // One text that is both would be a different image to different readers (CVE-2021-41190).
        let manifests = root["manifests"].flatMap { $0.isNull ? nil : $0 }
        let layers = root["layers"].flatMap { $0.isNull ? nil : $0 }
        guard manifests == nil || (layers == nil && root["config"] == nil) else {
            throw reader.wrong("it has both layers and manifests")
        }
        if MediaType.isIndex(type) || (manifests != nil && !MediaType.isManifest(type)) {
            self = .index(try reader.descriptors(manifests, "manifests"))
            return
        }
        guard let config = root["config"], config.isObject else { throw reader.wrong("it has no config") }
        let configuration = try reader.descriptor(config, "config")
        guard MediaType.isConfiguration(configuration.mediaType) else {
            throw OCIError(
                .unsupported, "\(name) is no container image: its configuration is \(configuration.mediaType.excerpt())"
            )
        }
        self = .image(config: configuration, layers: try reader.descriptors(layers, "layers"))
    }

    /// The entry of an index for a platform. Without a wish it is this machine's, or the only image there is.
    /// - Throws: `notFound` with the platforms there are.
    package static func choose(
        _ entries: [Descriptor], platform wanted: ImagePlatform?, name: String
    ) throws(OCIError) -> Descriptor {
        let images = entries.filter { !$0.isAttestation }
        let target = wanted ?? .host
        var best: (entry: Descriptor, distance: Int)?
        for entry in images {
            guard let platform = entry.platform, let distance = target.distance(to: platform) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (entry, distance) }
        }
        if let best { return best.entry }
        // An entry that names no platform may be for any; its configuration tells.
        let nameless = images.filter { $0.platform == nil }
        if nameless.count == 1, images.count == 1 || wanted == nil { return nameless[0] }
        if wanted == nil, images.count == 1 { return images[0] }
        let there = images.prefix(30).map { $0.platform?.description ?? "unnamed" }.joined(separator: ", ")
        throw OCIError(
            .notFound,
            "\(name) has no image for \(target)"
                + (there.isEmpty ? "; its index is empty" : "; there are: \(there.plain())"))
    }
}

/// The kinds of content that matter here.
package enum MediaType {
    static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    static let ociIndex = "application/vnd.oci.image.index.v1+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"

    static let manifests = [ociManifest, ociIndex, dockerManifest, dockerList]

    static func isIndex(_ type: String) -> Bool { type == ociIndex || type == dockerList }
    static func isManifest(_ type: String) -> Bool { isIndex(type) || type == ociManifest || type == dockerManifest }
    static func isSchema1(_ type: String) -> Bool {
        type.hasPrefix("application/vnd.docker.distribution.manifest.v1+")
    }

    static func isConfiguration(_ type: String) -> Bool {
        type == "application/vnd.oci.image.config.v1+json" || type == "application/vnd.docker.container.image.v1+json"
            || type.isEmpty || type == "application/octet-stream" || type == "text/plain"
    }

    /// Whether this says to be a tar, compressed or not.
    static func isLayer(_ type: String) -> Bool {
        type.isEmpty || type.hasPrefix("application/vnd.oci.image.layer.")
            || type.hasPrefix("application/vnd.docker.image.rootfs.") || type == "application/octet-stream"
            || type.hasPrefix("application/x-tar") || type == "application/gzip" || type == "application/x-gzip"
    }
}
