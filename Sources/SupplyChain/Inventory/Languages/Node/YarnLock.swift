// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// yarn.lock of the classic yarn and of berry. Both put entries at the left margin, their fields two spaces in; berry's
/// is YAML, in which nobody needs more than that.
enum YarnLock {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var out: [FoundPackage] = []
            var entry = Entry()
            var number = 0
            for line in Lines(text) {
                number += 1
                guard let first = line.first, first != 0x23 else { continue }
                // Long keys stand behind a question mark in YAML, with their colon in the next line.
                if first == 0x3A { continue }
                if first != 0x20 {
                    try entry.finish(file, &out)
                    entry = Entry()
                    entry.line = number
                    entry.specs = (line.starts(with: "? ") ? line.dropping(2) : line).string
                } else if line.starts(with: "  "), line.count > 2, line[2] != 0x20 {
                    entry.take(line.dropping(2).string)
                }
            }
            try entry.finish(file, &out)
            return out
        }
    }

    private struct Entry {
        var line = 0
        var specs = ""
        var version = ""
        var resolution = ""

        mutating func take(_ field: String) {
            func value(_ name: String) -> String? {
                guard let rest = field.dropPrefix(name), let mark = rest.first, mark == " " || mark == ":" else {
                    return nil
                }
                return Self.unquoted(rest.drop { $0 == ":" }.trimmedText)
            }
            if let text = value("version") { version = text }
            if let text = value("resolution") { resolution = text }
        }

        private static func unquoted(_ text: String) -> String {
            text.count >= 2 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
        }

        func finish(_ file: InventoryFile, _ out: inout [FoundPackage]) throws(InventoryError) {
            guard !specs.isEmpty else { return }
            let key = Self.unquoted(specs.last == ":" ? String(specs.dropLast()) : specs)
            if key == "__metadata" { return }
            guard !version.isEmpty else {
                throw file.malformed("line \(line): an entry without a version: \(key.prefix(80))")
            }
            let first = Self.unquoted(String(key.split(separator: ",").first ?? ""))
            // In berry the resolution has the true name of an alias.
            let spec = resolution.isEmpty ? first : resolution
            guard var (name, range) = NpmPackages.splitSpec(spec) else {
                throw file.malformed("line \(line): an entry without a range: \(key.prefix(80))")
            }
            if range.hasPrefix("workspace:") || range.hasPrefix("link:") || range.hasPrefix("portal:") { return }
            if resolution.isEmpty, let alias = range.dropPrefix("npm:"),
                let (real, rest) = NpmPackages.splitSpec(alias)
            {
                (name, range) = (real, rest)
            }
            out.append(FoundPackage(.npm, name: name, version: version, path: file.path))
        }
    }
}
