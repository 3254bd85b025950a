// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents
import Kubernetes
import OCI

/// The ImageScan kind (images.bulwark.dev/v1, one object for each reference that pods use): `spec.image` asks for a scan,
/// the status answers.
///
/// Whoever writes a status decides what images are taken for, so only the server that scans has that right.
package enum ImageScan {
    package static let resource = APIResource(
        group: "images.bulwark.dev", version: "v1", plural: "imagescans", kind: "ImageScan", namespaced: false)

    /// A reference made whole, the same for all spellings of one image: the registry in small letters and without the
    /// usual port, and without the tag where a digest stands (which alone counts then).
    /// - Parameter image: as a pod writes it.
    package static func reference(_ image: String) throws(ImagePolicyError) -> String {
        var reference: ImageReference
        do throws(OCIError) { reference = try ImageReference(image) } catch {
            throw ImagePolicyError(.reference, error.message)
        }
        reference.registry = host(reference.registry)
        if reference.registry == ImageReference.defaultRegistry, !reference.repository.contains("/") {
            reference.repository = "library/" + reference.repository
        }
        if reference.digest != nil { reference.tag = nil }
        return reference.description
    }

    /// Small letters, no port 443, and Docker Hub's own name for its other ones.
    static func host(_ registry: String) -> String {
        var host = registry.lowercased()
        if host.hasSuffix(":443") { host.removeLast(4) }
        return host == "index.docker.io" ? ImageReference.defaultRegistry : host
    }

    /// The name of a reference's object: `cart-` and 40 hexadecimal digits of a hash over the whole reference.
    /// - Parameter reference: from `reference(_:)`.
    package static func name(of reference: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var hash: [UInt8] = []
        for byte in SHA256.hash(data: Array(reference.utf8)).prefix(20) {
            hash.append(digits[Int(byte >> 4)])
            hash.append(digits[Int(byte & 15)])
        }
        let path = reference.prefix { $0 != "@" }
        let last = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        // Letters and digits with single dashes between them make a name whatever stands before and after.
        var word: [UInt8] = []
        for byte in last.prefix(while: { $0 != ":" }).utf8 {
            let isPlain = byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39
            if isPlain { word.append(byte) } else if let before = word.last, before != 0x2D { word.append(0x2D) }
            if word.count == 60 { break }
        }
        if word.last == 0x2D { word.removeLast() }
        return String(decoding: (word.isEmpty ? Array("image".utf8) : word) + [0x2D] + hash, as: UTF8.self)
    }

    /// The JSON of an object that asks for a scan.
    /// - Parameter reference: from `reference(_:)`.
    package static func object(_ reference: String) -> String {
        EditValue.object([
            ("apiVersion", .string(resource.apiVersion)), ("kind", .string(resource.kind)),
            (
                "metadata",
                .object([
                    ("name", .string(name(of: reference))),
                    ("labels", .object([("app.kubernetes.io/managed-by", "bulwark")])),
                ])
            ),
            ("spec", .object([("image", .string(reference))])),
        ]).json
    }
}
