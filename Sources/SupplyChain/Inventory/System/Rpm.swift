// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The database of rpm in its three forms: SQLite, Berkeley DB's hash, and rpm's own "ndb".
enum Rpm {
    static let reader: any PackageReader = FileReader("rpm database", limit: 512 << 20, read)
    static let manifestReader: any PackageReader = FileReader("rpm manifest", limit: 16 << 20, readManifest)

    /// Whether it lies where rpm keeps its database.
    static func isDatabase(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let slash = path.lastIndex(of: 0x2F) else { return false }
        let folder = UnsafeBufferPointer(rebasing: path[..<slash])
        return folder.hasSuffix("var/lib/rpm") || folder.hasSuffix("usr/lib/sysimage/rpm")
            || folder.hasSuffix("usr/share/rpm")
    }

    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var result = PartialResult()
        do throws(InventoryError) {
            try headers(file) { header in
                do throws(InventoryError) {
                    result.packages.append(try package(header, file))
                } catch { result.add(error) }
            }
        } catch { result.add(error) }
        return try result.get()
    }

    static func owned(
        _ file: InventoryFile, _ body: (UnsafeBufferPointer<UInt8>, String) -> Void
    ) throws(InventoryError) {
        try headers(file) { bytes in
            guard let header = RpmHeader(bytes), let name = header.text(RpmHeader.Tag.name) else { return }
            let owner = "rpm:" + name
            header.files { body($0, owner) }
        }
    }

    /// Hands over the bytes of every header, by whichever form the first bytes tell.
    private static func headers(
        _ file: InventoryFile, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(InventoryError) {
        // rpm makes its files empty before it fills them.
        if file.bytes.isEmpty { throw file.malformed("the database is empty") }
        if file.bytes.starts(with: Array("SQLite format 3\0".utf8)) { return try RpmSQLite.headers(file, body) }
        try file.withText { (bytes) throws(InventoryError) in
            if bytes.starts(with: "RpmP") { return try RpmNdb.headers(bytes, file, body) }
            if let database = try BerkeleyHash(bytes, file) { return try database.values(body) }
            throw file.malformed("this is no database of rpm: neither SQLite, ndb nor a hash of Berkeley DB")
        }
    }

    static func package(
        _ bytes: UnsafeBufferPointer<UInt8>, _ file: InventoryFile
    ) throws(InventoryError) -> FoundPackage {
        guard let header = RpmHeader(bytes) else { throw file.malformed("a package's header is broken") }
        guard let name = header.text(RpmHeader.Tag.name), !name.isEmpty else {
            throw file.malformed("a package's header has no name")
        }
        // Keys that sign packages are kept among them as `gpg-pubkey`; rpm lists them, and so do others.
        guard let version = header.text(RpmHeader.Tag.version), let release = header.text(RpmHeader.Tag.release) else {
            throw file.malformed("the header of \(name) has no version or no release")
        }
        let epoch = header.number(RpmHeader.Tag.epoch).map { "\($0):" } ?? ""
        var package = FoundPackage(.rpm, name: name, version: "\(epoch)\(version)-\(release)", path: file.path)
        package.architecture = header.text(RpmHeader.Tag.architecture) ?? ""
        package.module = module(header.text(RpmHeader.Tag.moduleLabel) ?? "")
        if let license = header.text(RpmHeader.Tag.license), !license.isEmpty { package.licenses = [license] }
        setSource(&package, header.text(RpmHeader.Tag.sourceRpm) ?? "", epoch: epoch)
        return package
    }

    /// `nodejs:18` of `nodejs:18:8090020231031145540:a75119d5`
    private static func module(_ label: String) -> String {
        let parts = label.split(separator: ":")
        return parts.count >= 2 ? "\(parts[0]):\(parts[1])" : ""
    }

    /// Takes `glibc-2.34-28.el9_0.src.rpm` apart. Its name does not say the epoch, which is as good as always that of
    /// the packages made from it.
    static func setSource(_ package: inout FoundPackage, _ file: String, epoch: String) {
        guard file.hasSuffix(".rpm"), let kind = file.dropLast(4).cutLast("."), let release = kind.before.cutLast("-"),
            let version = release.before.cutLast("-"), !version.before.isEmpty
        else { return }
        package.source = String(version.before)
        package.sourceVersion = "\(epoch)\(version.after)-\(release.after)"
    }

    /// What images without rpm keep instead of its database (Azure Linux distroless): columns between tabs.
    static func readManifest(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var result = PartialResult()
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: { $0.isNewline }) {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard columns.count >= 10, !columns[0].isEmpty, columns[1].contains("-") else {
                result.add(file.malformed("a line does not have ten columns: \(line.prefix(80))"))
                continue
            }
            let epoch = columns[8] == "0" || columns[8] == "(none)" || columns[8].isEmpty ? "" : columns[8] + ":"
            var package = FoundPackage(.rpm, name: columns[0], version: epoch + columns[1], path: file.path)
            package.architecture = columns[7]
            setSource(&package, columns[9], epoch: epoch)
            result.packages.append(package)
        }
        return try result.get()
    }
}
