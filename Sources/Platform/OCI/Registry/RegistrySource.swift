// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import AsyncHTTPClient
import NIOHTTP1

extension RegistryClient {
    /// The image of a reference: manifests and configuration are read, layers when they are asked for.
    ///
    /// Mirrors are asked in turn; the first that has the image serves all of it.
    package func image(
        _ reference: ImageReference, platform: ImagePlatform?, as shown: String
    ) async throws(OCIError) -> Image {
        let endpoints = try endpoints(reference)
        var complaints: [String] = []
        for (index, endpoint) in endpoints.enumerated() {
            do throws(OCIError) {
                return try await image(reference, platform, shown, endpoint)
            } catch {
                guard index < endpoints.count - 1, error.code != .cancelled else {
                    guard !complaints.isEmpty else { throw error }
                    throw OCIError(
                        error.code, "\(error.message); before that: \(complaints.joined(separator: "; "))",
                        cause: error.cause)
                }
                complaints.append(error.message.plain(400))
            }
        }
        throw OCIError(.notFound, "no registry to ask for \(reference)")
    }

    /// What a reference means now: the digest of its manifest or of its index of platforms. Mirrors are asked in turn.
    package func digest(of reference: ImageReference) async throws(OCIError) -> Digest {
        var last: OCIError?
        for endpoint in try endpoints(reference) {
            do throws(OCIError) {
                return try await manifest(reference.target, expected: reference.digest, endpoint).2
            } catch {
                guard error.code != .cancelled else { throw error }
                last = error
            }
        }
        throw last ?? OCIError(.notFound, "no registry to ask for \(reference)")
    }

    private func image(
        _ reference: ImageReference, _ platform: ImagePlatform?, _ shown: String, _ endpoint: Endpoint
    ) async throws(OCIError) -> Image {
        var (bytes, type, digest) = try await manifest(reference.target, expected: reference.digest, endpoint)
        for _ in 0..<ImageIndexes.maxDepth {
            switch try Manifest(bytes, mediaType: type, name: shown) {
            case .index(let entries):
                let entry = try Manifest.choose(entries, platform: platform, name: shown)
                (bytes, type, digest) = try await manifest(entry.digest.description, expected: entry.digest, endpoint)
                if type.isEmpty { type = entry.mediaType }
            case .image(let config, let layers):
                let configuration = try ImageConfiguration(try await document(config, endpoint), name: shown)
                try ImageIndexes.check(configuration, platform, name: shown)
                var blobs: [Image.Blob] = []
                for layer in layers {
                    blobs.append(
                        Image.Blob(
                            digest: layer.digest.description, mediaType: layer.mediaType, size: layer.size,
                            isChecked: true,
                            fetch: { () async throws(OCIError) in try await self.blob(layer, endpoint) }))
                }
                return try Image(
                    name: shown, reference: reference.description, manifestDigest: digest.description,
                    configDigest: config.digest.description, configuration: configuration, blobs: blobs)
            }
        }
        throw OCIError(
            .malformed, "\(shown.plain()): lists of manifests are nested deeper than \(ImageIndexes.maxDepth)")
    }

    /// A manifest by tag or digest, with what the registry says it is.
    private func manifest(
        _ target: String, expected: Digest?, _ endpoint: Endpoint
    ) async throws(OCIError) -> ([UInt8], String, Digest) {
        let what = "manifest \(target)"
        let path = "manifests/\(target)"
        let accept = MediaType.manifests.joined(separator: ", ")
        return try await retrying(what, endpoint) {
            let response = try await self.open(
                endpoint, path: path, headers: [("Accept", accept)], timeout: self.options.answerTimeout)
            let bytes = try await response.body.bytes(
                limit: Manifest.maxBytes, timeout: self.options.answerTimeout, name: "\(what) of \(endpoint.registry)")
            let announced = response.headers.first(name: "Docker-Content-Digest").flatMap { try? Digest($0) }
            // What was asked for by its digest has to have it; for a tag, the registry's own word counts.
            for digest in [expected, announced].compactMap({ $0 }) {
                let came = Digest(of: bytes, digest.algorithm)
                guard came == digest else {
                    throw OCIError.wrong("\(what) of \(endpoint.registry)", expected: digest, came: came)
                }
            }
            let type = response.headers.first(name: "Content-Type").map { $0.prefix { $0 != ";" } } ?? ""
            // Some registries answer with application/json.
            let kind = MediaType.isManifest(String(type)) || MediaType.isSchema1(String(type)) ? String(type) : ""
            return (bytes, kind, expected ?? announced ?? Digest(of: bytes))
        }
    }

    /// A configuration, in memory.
    private func document(_ descriptor: Descriptor, _ endpoint: Endpoint) async throws(OCIError) -> [UInt8] {
        guard descriptor.size <= Manifest.maxBytes else {
            throw OCIError(
                .tooLarge, "the configuration has \(descriptor.size) bytes; at most \(Manifest.maxBytes) are read")
        }
        let what = "configuration \(descriptor.digest)"
        return try await retrying(what, endpoint) {
            let response = try await self.open(
                endpoint, path: "blobs/\(descriptor.digest)", headers: [], timeout: self.options.answerTimeout)
            let bytes = try await response.body.bytes(
                limit: Int(descriptor.size), timeout: self.options.answerTimeout,
                name: "\(what) of \(endpoint.registry)")
            let came = Digest(of: bytes, descriptor.digest.algorithm)
            guard came == descriptor.digest else {
                throw OCIError.wrong("\(what) of \(endpoint.registry)", expected: descriptor.digest, came: came)
            }
            return bytes
        }
    }
}
