// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// A tar file used like a folder: its files are ranges of it and are not copied.
/// A compressed one is unpacked once, into a private temporary file.
final class ArchiveFolder: Sendable {
    private enum Place: Sendable {
        case file(offset: Int64, size: Int64)
        case sparse
        case link(String)
    }

    /// The path of the tar.
    let path: String
    private let file: FileRange
    private let places: [String: Place]

    private static let maxEntries = 100_000
    private static let maxLinks = 16

    convenience init(path: String, options: ImageSourceOptions) throws(OCIError) {
        try self.init(.opened(path), path: path, options: options)
    }

    /// - Parameter path: for messages.
    init(_ tar: FileRange, path: String, options: ImageSourceOptions) throws(OCIError) {
        self.path = path
        do throws(ArchiveError) {
            var file = tar
            if try CompressionMagic.isCompressed(file) {
                let unpacked = try PrivateFile(in: options.temporaryFolder)
                let limits = ArchiveLimits(bytes: options.maxUnpackedBytes)
                try unpacked.write(
                    contentsOf: Decompressor(SequentialReader(file), limits: limits), limit: options.maxUnpackedBytes)
                file = try unpacked.range(named: path)
            }
            self.file = file
            places = try Self.list(file, options)
        } catch { throw OCIError(error, path) }
    }

    private static func list(_ file: FileRange, _ options: ImageSourceOptions) throws(ArchiveError) -> [String: Place] {
        let limits = ArchiveLimits(entries: maxEntries, bytes: .max)
        let archive = try Archive(file, .tar, limits: limits)
        var places: [String: Place] = [:]
        while let entry = try archive.next() {
            guard let path = normalized(entry.path) else { continue }
            // As when it is unpacked, the last of the same name counts.
            switch entry.kind {
            case .file: places[path] = entry.isSparse ? .sparse : .file(offset: archive.position, size: entry.size)
            case .hardLink: places[path] = normalized(entry.target).map { .link($0) }
            case .symbolicLink:
                let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
                places[path] = entry.target.hasPrefix("/") ? nil : normalized(folder + entry.target).map { .link($0) }
            default: places[path] = nil
            }
        }
        return places
    }

    func contains(_ path: String) -> Bool { Self.normalized(path).flatMap { places[$0] } != nil }

    /// - Throws: `notFound`; `malformed` for links that lead nowhere.
    func file(_ name: String) throws(OCIError) -> FileRange {
        guard var place = Self.normalized(name) else {
            throw OCIError(.malformed, "\(path) refers to \(name.excerpt()), which is outside of it")
        }
        for _ in 0...Self.maxLinks {
            switch places[place] {
            case .file(let offset, let size):
                let range = FileRange(file, offset: offset, size: size)
                guard range.size == size else {
                    throw OCIError(.malformed, "\(path) breaks off inside \(name.excerpt())")
                }
                return range
            case .link(let target): place = target
            case .sparse: throw OCIError(.unsupported, "\(path) holds \(name.excerpt()) as a sparse file")
            case nil: throw OCIError(.notFound, "\(path) has no file \(place.excerpt())")
            }
        }
        throw OCIError(.malformed, "\(path): the links of \(name.excerpt()) lead in a circle")
    }

    /// Without `.`, `..` and doubled slashes; nil for what leads out, or nowhere.
    static func normalized(_ path: String) -> String? {
        guard path.utf8.count <= 4096 else { return nil }
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            if part == "." { continue }
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(part)
            }
        }
        return parts.isEmpty ? nil : parts.joined(separator: "/")
    }
}

extension FileRange {
    static func opened(_ path: String) throws(OCIError) -> FileRange {
        do throws(ArchiveError) { return try FileRange(path: path) } catch { throw OCIError(error, path) }
    }

    /// All bytes, of a file that must be small.
    func contents(limit: Int, name: String) throws(OCIError) -> [UInt8] {
        guard size <= Int64(limit) else {
            throw OCIError(.tooLarge, "\(name.plain()) has \(size) bytes; at most \(limit) are read")
        }
        var failure: ArchiveError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            do throws(ArchiveError) { count = try read(into: UnsafeMutableRawBufferPointer(buffer), at: 0) } catch {
                failure = error
            }
        }
        if let failure { throw OCIError(failure, name) }
        return bytes
    }
}
