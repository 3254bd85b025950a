// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Podfile.lock of CocoaPods. It is YAML; the pods stand two spaces in below `PODS:`, what they need two more.
enum CocoaPods {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var out: [FoundPackage] = []
            var section = ""
            var number = 0
            for line in Lines(text) {
                number += 1
                guard let first = line.first, first != 0x23 else { continue }
                if first != 0x20 {
                    section = line.trimmed.string
                    continue
                }
                guard section == "PODS:", line.starts(with: "  - ") else { continue }
                var entry = line.dropping(4).string.trimmedText
                if entry.last == ":" { entry.removeLast() }
                if entry.first == "\"", entry.last == "\"", entry.count >= 2 {
                    entry = String(entry.dropFirst().dropLast())
                }
                guard let (name, rest) = entry.cut(" "), !name.isEmpty, rest.first == "(", rest.last == ")",
                    rest.count > 2
                else { throw file.malformed("line \(number): expected “name (version)”, found \(entry.prefix(80))") }
                // Those of a folder or repository say so instead of a version elsewhere, and have one here all the same.
                let version = String(rest.dropFirst().dropLast())
                out.append(FoundPackage(.cocoapods, name: String(name), version: version, path: file.path))
            }
            if section.isEmpty { throw file.malformed("expected a section “PODS:”") }
            return out
        }
    }
}
