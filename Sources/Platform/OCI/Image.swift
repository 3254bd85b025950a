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
        /// Brings the stored bytes to this machine. Those of a registry are checked against `digest` on the way.
        package var fetch: @Sendable () async throws(OCIError) -> FileRange
    }
}
