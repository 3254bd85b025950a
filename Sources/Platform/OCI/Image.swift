// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// An image whose manifest and configuration have been read; its layers are fetched when asked for.
package struct Image: Sendable {
    /// As the user wrote it: a reference, or the path of a file.
    package var name: String
    /// `registry/repository:tag` where known: of a registry, or of an archive that names its image.
    package var reference: String
    /// `sha256:…` of the manifest; empty where the source has none (docker-archive).
    package var manifestDigest: String
    /// `sha256:…` of the configuration, which Docker calls the image's id.
    package var configDigest: String
    package var configuration: ImageConfiguration
    /// From the lowest to the topmost.
    package var layers: [Layer]

    /// One layer: a tar of changes to those below it.
    package struct Layer: Sendable {
        /// `sha256:…` of the bytes as they are stored; empty where the source does not say.
        package var digest: String
        /// `sha256:…` of the bytes after decompression, as the configuration has it. What was read has to be held against it.
        package var diffID: String
        package var mediaType: String
        /// Bytes as stored.
        package var size: Int64
        /// The instruction that made it, from the configuration's history; empty where unknown.
        package var createdBy: String
        /// Whether `fetch` holds the stored bytes against `digest`, as it does for those of a registry.
        package var isChecked = false
        /// Brings the stored bytes to this machine.
        package var fetch: @Sendable () async throws(OCIError) -> FileRange

        package init(
            digest: String = "", diffID: String = "", mediaType: String = "", size: Int64 = 0, createdBy: String = "",
            isChecked: Bool = false, fetch: @escaping @Sendable () async throws(OCIError) -> FileRange
        ) {
            self.digest = digest
            self.diffID = diffID
            self.mediaType = mediaType
            self.size = size
            self.createdBy = createdBy
            self.isChecked = isChecked
            self.fetch = fetch
        }
    }
}

extension Image {
    /// A layer as a manifest or archive lists it.
    struct Blob {
        var digest: String
        var mediaType: String
        var size: Int64
        var isChecked = false
        var fetch: @Sendable () async throws(OCIError) -> FileRange
    }

    /// A layer that is no tar is there, and an error when it is fetched.
    /// - Throws: `malformed` where configuration and manifest disagree.
    init(
        name: String, reference: String, manifestDigest: String, configDigest: String,
        configuration: ImageConfiguration, blobs: [Blob]
    ) throws(OCIError) {
        guard blobs.count == configuration.diffIDs.count else {
            throw OCIError(
                .malformed,
                "\(name.plain()) has \(blobs.count) layers, but its configuration tells of \(configuration.diffIDs.count)"
            )
        }
        let steps = configuration.layerSteps
        var layers: [Layer] = []
        for (index, blob) in blobs.enumerated() {
            var fetch = blob.fetch
            // One such layer does not keep the others from being read.
            if !MediaType.isLayer(blob.mediaType) || blob.mediaType.hasSuffix("+encrypted") {
                let kind =
                    blob.mediaType.hasSuffix("+encrypted") ? "encrypted" : "no tar but \(blob.mediaType.excerpt())"
                let error = OCIError(.unsupported, "layer \(index) of \(name.plain()) is \(kind)")
                fetch = { () throws(OCIError) in throw error }
            }
            layers.append(
                Layer(
                    digest: blob.digest, diffID: configuration.diffIDs[index], mediaType: blob.mediaType,
                    size: blob.size, createdBy: steps[index], isChecked: blob.isChecked, fetch: fetch))
        }
        self.init(
            name: name, reference: reference, manifestDigest: manifestDigest, configDigest: configDigest,
            configuration: configuration, layers: layers)
    }
}
