// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Lists of what a Python project wants: requirements.txt and the locks of pip, poetry, pipenv, uv and pdm.
enum PythonLocks {
    /// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`
    static func isRequirements(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...]
        return name.starts(with: "requirements".utf8) || path.hasSuffix("requirements.txt")
    }

    /// `pylock.toml`, `pylock.NAME.toml` (PEP 751)
    static func isPylock(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...].starts(with: "pylock.".utf8)
    }

    /// Only what is pinned to one version counts: `name[extra]==1.2 ; marker --hash=…`.
    static func requirements(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        var joined = ""
        let isDevelopment = ["dev", "test", "lint", "doc"].contains { file.fileName.contains($0) }
        for raw in String(decoding: file.bytes, as: UTF8.self).split(
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
        for (group, isDevelopment) in [(root["default"], false), (root["develop"], true)] {
            guard let group else { continue }
            for (name, entry) in group.members {
                // What comes from a repository or a path has no version.
                let version = entry.text("version").drop { $0 == "=" }
                guard !version.isEmpty else { continue }
                var package = FoundPackage(.pypi, name: name.string, version: String(version), path: file.path)
                package.isDevelopment = isDevelopment
                out.append(package)
            }
        }
        return out
    }

    /// poetry.lock, uv.lock, pdm.lock: an array of tables named `package`. PEP 751 names it `packages`.
    static func toml(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.toml()
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
                entry.text("category") == "dev"
                || (!groups.isEmpty && !groups.contains("main") && !groups.contains("default"))
            out.append(package)
        }
        return out
    }
}
