// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Bills of materials that lie in an image: Bitnami's, those of Wolfi's packages, of wheels (PEP 770), and others.
///
/// They say what somebody else found, so they only add: see `isBill`.
package enum EnclosedBill {
    static let reader: any PackageReader = FileReader("bill of materials", read)
    /// Made by the distribution, for each of its packages.
    private static let systemFolder = "var/lib/db/sbom/"

    /// Packages of such a file count where no other file says that they are there.
    package static func isBill(_ path: String) -> Bool {
        path.utf8.withContiguousStorageIfAvailable(matches) ?? Array(path.utf8).withUnsafeBufferPointer(matches)
    }

    /// `x.spdx.json`, `x.cdx.json`, `x.cyclonedx.json`, `x.spdx`, `x.cdx`, and any name in `x.dist-info/sboms`.
    static func matches(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        switch path.last {
        case 0x78: return path.hasSuffix(".spdx") || path.hasSuffix(".cdx")
        case 0x6E:
            guard path.hasSuffix(".json") else { return false }
            let name = UnsafeBufferPointer(rebasing: path[..<(path.count - 5)])
            if name.hasSuffix(".spdx") || name.hasSuffix(".cdx") || name.hasSuffix(".cyclonedx") { return true }
            guard let slash = path.lastIndex(of: 0x2F) else { return false }
            return UnsafeBufferPointer(rebasing: path[..<slash]).hasSuffix(".dist-info/sboms")
        default: return false
        }
    }

    /// Whether losing it would lose packages: elsewhere these names are given to texts of other kinds as well.
    private static func isExpected(_ path: String) -> Bool {
        path.hasPrefix("opt/bitnami/") || path.hasPrefix(systemFolder) || path.contains(".dist-info/sboms/")
    }

    private static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let isSystem = file.path.hasPrefix(systemFolder)
        var packages: [FoundPackage]
        do throws(InventoryError) { packages = try listed(file) } catch {
            if error.code == .malformed, !isExpected(file.path) { return [] }
            throw error
        }
        // System packages of other systems, such as those that libraries inside of a wheel were taken from, are no part
        // of this one.
        if !isSystem { packages.removeAll(where: \.kind.isSystem) }
        for index in packages.indices {
            packages[index].path = file.path
            packages[index].layer = nil
            packages[index].owner = ""
        }
        return packages
    }

    private static func listed(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let start = file.bytes.first { $0 > 0x20 && $0 < 0x80 }
        guard start == 0x7B else { return try tags(file) }
        do throws(InventoryError) { return try SPDX.read(file.bytes, source: file.path).packages } catch {
            guard error.code == .malformed else { throw error }
            let first = error
            do throws(InventoryError) { return try CycloneDX.read(file.bytes, source: file.path).packages } catch {
                throw file.path.contains(".cdx") ? error : first
            }
        }
    }

    /// SPDX's older form of `Tag: value` lines.
    private static func tags(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var isBill = false
            var version = ""
            var out: [FoundPackage] = []
            for line in Lines(text) {
                if line.starts(with: "SPDXVersion: SPDX-2") { isBill = true }
                if line.starts(with: "PackageName:") { version = "" }
                if line.starts(with: "PackageVersion:") { version = line.dropping(15).trimmed.string }
                guard line.starts(with: "ExternalRef: PACKAGE") else { continue }
                let words = line.string.split(separator: " ")
                guard words.count >= 4, words[2] == "purl", let url = PackageURL(String(words[3])),
                    var package = FoundPackage(url, path: file.path)
                else { continue }
                if package.version.isEmpty { package.version = version }
                if !package.version.isEmpty { out.append(package) }
            }
            guard isBill else { throw file.malformed("expected SPDX or CycloneDX") }
            return out
        }
    }
}
