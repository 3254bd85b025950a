// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// What is installed of Python: distributions by their core metadata (packaging.python.org, "Core metadata").
enum PythonMetadata {
    static let reader: any PackageReader = FileReader("Python metadata", limit: 8 << 20, read)
    static let archiveReader: any PackageReader = FileReader("Python archive", limit: 512 << 20, readArchive)

    /// `x.dist-info/METADATA`
    static func isWheelMetadata(_ path: UnsafeBufferPointer<UInt8>) -> Bool { path.hasSuffix(".dist-info/METADATA") }

    /// `x.egg-info/PKG-INFO` of setuptools, `x.egg/EGG-INFO/PKG-INFO` of unpacked eggs.
    static func isEggMetadata(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        path.hasSuffix(".egg-info/PKG-INFO") || path.hasSuffix("EGG-INFO/PKG-INFO")
    }

    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try [package(file.bytes, file)]
    }

    private static let wanted: Set<String> = ["name", "version", "license", "license-expression"]

    private static func package(_ bytes: [UInt8], _ file: InventoryFile) throws(InventoryError) -> FoundPackage {
        let fields = bytes.withUnsafeBufferPointer { HeaderFields($0, wanted: wanted) }
        let (name, version) = (fields["name"], fields["version"])
        guard !name.isEmpty, !version.isEmpty else {
            throw file.malformed("a distribution needs a name and a version: “\(name)”, “\(version)”")
        }
        var package = FoundPackage(.pypi, name: name, version: version, path: file.path)
        let license = fields["license-expression"].isEmpty ? fields["license"] : fields["license-expression"]
        // Some put the license's whole text here.
        if !license.isEmpty, license.utf8.count <= 128 { package.licenses = [license] }
        return package
    }

    /// A wheel or egg that is imported, or waits to be installed, in one piece.
    static func readArchive(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        do throws(ArchiveError) {
            let archive = try Archive(
                MemoryRange(file.bytes), .zip, limits: ArchiveLimits(entries: 200_000, bytes: 4 << 30))
            while let entry = try archive.next() {
                let parts = entry.path.split(separator: "/")
                guard parts.count == 2, entry.kind == .file else { continue }
                let isMetadata = parts[1] == "METADATA" && parts[0].hasSuffix(".dist-info")
                guard isMetadata || (parts[1] == "PKG-INFO" && parts[0] == "EGG-INFO") else { continue }
                let bytes = try archive.contents(limit: 8 << 20)
                do throws(InventoryError) {
                    var found = try package(bytes, file)
                    found.innerPath = entry.path
                    return [found]
                } catch { throw ArchiveError(.malformed, error.message) }
            }
        } catch { throw InventoryError(error, file) }
        throw file.malformed("an archive of Python without metadata")
    }
}

extension InventoryError {
    /// What an archive said, at the file that it is.
    init(_ error: ArchiveError, _ file: InventoryFile, inner: String = "") {
        let code: Code =
            switch error.code {
            case .tooLarge: .tooLarge
            case .unsupported: .unsupported
            case .malformed, .unreadable: .malformed
            }
        let place = inner.isEmpty ? file.path : "\(file.path): \(inner)"
        self.init(code, error.message.hasPrefix(file.path) ? error.message : "\(place): \(error.message)")
    }
}
