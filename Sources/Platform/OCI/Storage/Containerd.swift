// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc

/// Images that containerd keeps: names in a bolt database, content by digest in a folder.
struct Containerd {
    private let options: ImageSourceOptions

    init(_ options: ImageSourceOptions) { self.options = options }

    /// An image by its name, in any namespace.
    /// - Throws: `notFound`; `unreadable` where this user may not look.
    func image(_ wanted: String, shown: String) throws(OCIError) -> Image {
        guard !wanted.isEmpty else { throw OCIError(.malformed, "\(shown.excerpt()) names no image") }
        let places = options.containerd.joined(separator: " and ").plain()
        var hasStorage = false
        for root in options.containerd {
            let path = root + "/io.containerd.metadata.v1.bolt/meta.db"
            if access(path, F_OK) != 0, errno == ENOENT { continue }
            hasStorage = true
            if let image = try image(wanted, root: root, database: path, shown: shown) { return image }
        }
        throw OCIError(
            .notFound,
            hasStorage
                ? "containerd at \(places) has no image \(wanted.excerpt())"
                : "there is no storage of containerd at \(places)")
    }

    private func image(_ wanted: String, root: String, database path: String, shown: String) throws(OCIError) -> Image?
    {
        let database = try BoltFile(FileRange.opened(path))
        let store = BlobFolder(
            name: root, path: root + "/io.containerd.content.v1.content/blobs",
            hint: "; containerd drops packed layers after unpacking where discard_unpacked_layers is set")
        guard let version = try database.root.bucket("v1") else {
            throw OCIError(.unsupported, "\(path.plain()) has no bucket v1")
        }
        for namespace in try version.keys() {
            guard let images = try version.bucket(namespace)?.bucket("images") else { continue }
            for name in try images.keys() where ImageName.isSame(wanted, String(decoding: name, as: UTF8.self)) {
                guard let target = try images.bucket(name)?.bucket("target") else { continue }
                let digest = try target.text("digest")
                // Namespaces share content, but labels decide what stays: the one that has it all serves.
                let descriptor = Descriptor(
                    mediaType: try target.text("mediatype"), digest: try Digest(digest),
                    size: Self.number(try target.value("size")))
                return try store.image(
                    descriptor, platform: options.platform, as: shown, reference: String(decoding: name, as: UTF8.self))
            }
        }
        return nil
    }

    /// The same by a complete reference; nil where there is none.
    func find(_ reference: ImageReference, shown: String) throws(OCIError) -> Image? {
        do throws(OCIError) { return try image(reference.description, shown: shown) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    /// A signed number as Go's binary.PutVarint writes it.
    private static func number(_ bytes: [UInt8]) -> Int64 {
        var value: UInt64 = 0
        for (index, byte) in bytes.prefix(9).enumerated() {
            value |= UInt64(byte & 0x7F) << (7 * UInt64(index))
            if byte < 0x80 { break }
        }
        return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
    }
}
