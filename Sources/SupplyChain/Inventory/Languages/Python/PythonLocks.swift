// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Lists of what a Python project wants: requirements.txt and the locks of pip, poetry, pipenv, uv and pdm.
enum PythonLocks {
    /// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `requirements/base.txt`
    static func isRequirements(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        let slash = path.lastIndex(of: 0x2F) ?? -1
        let name = path[(slash + 1)...]
        if name.starts(with: "requirements".utf8) || path.hasSuffix("requirements.txt") { return true }
        return slash > 0 && UnsafeBufferPointer(rebasing: path[..<slash]).hasSuffix("requirements")
    }

    /// `pylock.toml`, `pylock.NAME.toml` (PEP 751)
    static func isPylock(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...].starts(with: "pylock.".utf8)
    }

    /// Only what is pinned to one version counts: `name[extra]==1.2 ; marker --hash=…`.
    static func requirements(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        var joined = ""
        let isDevelopment = DevelopmentNames.contain(file.fileName)
        for raw in text(file).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        {
            if raw.last == "\\" {
                joined += raw.dropLast() + " "
                continue
            }
            let line = joined + raw
            joined = ""
            guard var pin = pinned(line, file) else { continue }
            pin.isDevelopment = isDevelopment
            out.append(pin)
        }
        return out
    }

    /// Windows' shells write what pip prints in UTF-16.
    private static func text(_ file: InventoryFile) -> String {
        let bytes = file.bytes
        guard bytes.count >= 2, (bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF) else {
            return String(decoding: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...], as: UTF8.self)
        }
        let isBig = bytes[0] == 0xFE
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        for index in stride(from: 2, to: bytes.count - 1, by: 2) {
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            units.append(isBig ? first << 8 | second : second << 8 | first)
        }
        return String(decoding: units, as: UTF16.self)
    }

    private static func pinned(_ line: String, _ file: InventoryFile) -> FoundPackage? {
        var text = line[...]
        if let comment = text.firstRange(of: "#"),
            comment.lowerBound == text.startIndex || text[text.index(before: comment.lowerBound)].isWhitespace
        {
            text = text[..<comment.lowerBound]
        }
        if let marker = text.cut(";") { text = marker.before }
        if let option = text.firstRange(of: " --") { text = text[..<option.lowerBound] }
        let words = text.trimmedText
        guard let equal = words.firstRange(of: "=="), !words.hasPrefix("-") else { return nil }
        var name = words[..<equal.lowerBound]
        if let extras = name.cut("[") { name = extras.before }
        let version = words[equal.upperBound...].drop { $0 == "=" }.trimmedText
        let isName = name.trimmedText.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        guard isName, !name.isEmpty, !version.isEmpty, !version.contains(where: { "*, ".contains($0) }) else {
            return nil
        }
        return FoundPackage(.pypi, name: name.trimmedText, version: version, path: file.path)
    }

    static func pipfile(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard root["_meta"] != nil || root["default"] != nil else {
            throw file.malformed("a lock of pipenv has a member “default”")
        }
        var out: [FoundPackage] = []
        // Beside these two a project may have categories of its own.
        for (key, group) in root.members where key.string != "_meta" {
            for (name, entry) in group.members {
                // What comes from a repository or a path has no version.
                let version = entry.text("version").drop { $0 == "=" }
                guard !version.isEmpty else { continue }
                var package = FoundPackage(.pypi, name: name.string, version: String(version), path: file.path)
                package.isDevelopment = key.string == "develop"
                out.append(package)
            }
        }
        return out
    }

    /// poetry.lock, uv.lock, pdm.lock: an array of tables named `package`. PEP 751 names it `packages`.
    static func toml(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.toml()
        // What the users of a product may ask for besides is a group of its own to PDM, and part of `main` to Poetry,
        // whose other groups are only for development.
        let hasExtras = file.fileName == "pdm.lock"
        var out: [FoundPackage] = []
        for entry in root.tables("package") + root.tables("packages") {
            guard let name = entry.text("name"), !name.isEmpty else { throw file.malformed("a package has no name") }
            // Projects in the making have no version; uv has one for them, but they are not from the index.
            guard let version = entry.text("version"), !version.isEmpty else { continue }
            if let source = entry.table("source"), source["editable"] != nil || source["virtual"] != nil { continue }
            if entry.table("directory") != nil { continue }
            var package = FoundPackage(.pypi, name: name, version: version, path: file.path)
            let groups = entry.elements("groups").compactMap(\.text)
            package.isDevelopment =
                entry.text("category") == "dev" || (!groups.isEmpty && !groups.contains { isOfProduct($0, hasExtras) })
            out.append(package)
        }
        return out
    }

    private static func isOfProduct(_ group: String, _ hasExtras: Bool) -> Bool {
        group == "main" || group == "default" || (hasExtras && !DevelopmentNames.contain(group))
    }
}
