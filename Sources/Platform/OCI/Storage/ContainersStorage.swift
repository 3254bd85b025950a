// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents
import Foundation

/// Images that podman, buildah and CRI-O keep (containers/storage): lists in JSON, manifests beside them, and each layer
/// as an unpacked folder with the tar-split file that tells how to put its tar together again.
struct ContainersStorage {
    private let options: ImageSourceOptions
    private let roots: [String]

    private static let drivers = ["overlay", "vfs"]
    private static let maxList = 64 << 20

    init(_ options: ImageSourceOptions) {
        self.options = options
        let environment = options.registry.environment
        let data =
            environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? environment["HOME"].map { $0 + "/.local/share" }
        roots =
            options.containersStorage ?? ["/var/lib/containers/storage"]
            + (data.map { [$0 + "/containers/storage"] } ?? [])
    }

    /// An image by name or id.
    /// - Throws: `notFound` with where was looked.
    func image(_ wanted: String, shown: String) throws(OCIError) -> Image {
        guard !wanted.isEmpty else { throw OCIError(.malformed, "\(shown.excerpt()) names no image") }
        var hasStorage = false
        for root in roots {
            for driver in Self.drivers {
                let list = "\(root)/\(driver)-images/images.json"
                if access(list, F_OK) != 0, errno == ENOENT { continue }
                hasStorage = true
                if let image = try image(wanted, root: root, driver: driver, shown: shown) { return image }
            }
        }
        let places = roots.joined(separator: " and ").plain()
        throw OCIError(
            .notFound,
            hasStorage ? "\(places) has no image \(wanted.excerpt())" : "there is no storage of podman at \(places)")
    }

    /// The same by a complete reference; nil where there is none.
    func find(_ reference: ImageReference, shown: String) throws(OCIError) -> Image? {
        do throws(OCIError) { return try image(reference.description, shown: shown) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func image(_ wanted: String, root: String, driver: String, shown: String) throws(OCIError) -> Image? {
        let folder = "\(root)/\(driver)-images"
        let list = try Self.read("\(folder)/images.json")
        let isID = wanted.utf8.count >= 12 && wanted.utf8.allSatisfy(\.isLowerHexadecimal)
        for node in list.root.elements {
            let id = try list.text(node, "id")
            let names = try list.texts(node, "names")
            guard
                let name = names.first(where: { ImageName.isSame(wanted, $0) })
                    ?? (isID && id.hasPrefix(wanted) ? names.first ?? "" : nil)
            else { continue }
            guard Self.isID(id) else { throw list.wrong("an image has no id") }
            let place = "\(folder)/\(id)"
            let manifest = try FileRange.opened(place + "/manifest").contents(limit: Manifest.maxBytes, name: place)
            guard case .image(let config, _) = try Manifest(manifest, name: shown) else {
                throw OCIError(.unsupported, "\(shown.plain()) is a list of images; name one of them by its digest")
            }
            let file = place + "/=" + Data(config.digest.description.utf8).base64EncodedString()
            let bytes = try FileRange.opened(file).contents(limit: Manifest.maxBytes, name: place)
            let came = Digest(of: bytes, config.digest.algorithm)
            guard came == config.digest else {
                throw .wrong("configuration of \(shown.plain())", expected: config.digest, came: came)
            }
            let configuration = try ImageConfiguration(bytes, name: shown)
            try ImageIndexes.check(configuration, options.platform, name: shown)
            let layers = try Self.layers(try list.text(node, "layer"), root, driver)
            guard layers.count == configuration.diffIDs.count else {
                throw OCIError(
                    .malformed,
                    "\(root.plain()) has \(layers.count) of the \(configuration.diffIDs.count) layers of \(shown.plain())"
                )
            }
            return try Image(
                name: shown, reference: name, manifestDigest: Digest(of: manifest).description,
                configDigest: config.digest.description, configuration: configuration,
                blobs: blobs(layers, configuration, root, driver))
        }
        return nil
    }

    private func blobs(
        _ layers: [StoredLayer], _ configuration: ImageConfiguration, _ root: String, _ driver: String
    ) -> [Image.Blob] {
        var blobs: [Image.Blob] = []
        for (layer, diffID) in zip(layers, configuration.diffIDs) {
            let split = "\(root)/\(driver)-layers/\(layer.id).tar-split.gz"
            let files = driver == "overlay" ? "\(root)/overlay/\(layer.id)/diff" : "\(root)/vfs/dir/\(layer.id)"
            let (limit, temporary) = (options.maxUnpackedBytes, options.temporaryFolder)
            // What is put together is the plain tar, whose digest is the diffID.
            blobs.append(
                Image.Blob(
                    digest: diffID, mediaType: "application/vnd.oci.image.layer.v1.tar", size: layer.size,
                    fetch: { () throws(OCIError) in
                        try TarSplit.assemble(split, files: files, name: "layer \(diffID)", limit: limit, in: temporary)
                    }))
        }
        return blobs
    }

    private struct StoredLayer {
        var id: String
        var size: Int64
    }

    /// A layer and those below it, the lowest first.
    private static func layers(_ top: String, _ root: String, _ driver: String) throws(OCIError) -> [StoredLayer] {
        guard !top.isEmpty else { return [] }
        let list = try read("\(root)/\(driver)-layers/layers.json")
        var known: [String: (parent: String, size: Int64)] = [:]
        for node in list.root.elements {
            known[try list.text(node, "id")] = (try list.text(node, "parent"), Int64(node["diff-size"]?.int ?? 0))
        }
        var layers: [StoredLayer] = []
        var id = top
        while !id.isEmpty {
            guard isID(id), let layer = known[id] else { throw list.wrong("there is no layer \(id.excerpt())") }
            guard layers.count < Manifest.maxEntries else { throw list.wrong("the layers of an image have no end") }
            layers.append(StoredLayer(id: id, size: layer.size))
            id = layer.parent
        }
        return layers.reversed()
    }

    /// Ids become parts of paths.
    private static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128 && text.utf8.allSatisfy { $0.isAlphanumeric }
    }

    private static func read(_ path: String) throws(OCIError) -> JSONFields {
        let bytes = try FileRange.opened(path).contents(limit: maxList, name: path)
        return try JSONFields(bytes, name: path, limit: maxList)
    }
}
