// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Elixir's mix.lock and Erlang's rebar.lock: terms of the language, of which only those for packages of hex.pm matter.
enum HexPackages {
    /// `"name": {:hex, :name, "1.2.3", …},` for each. Dependencies inside of it have `hex: :name` instead of a tuple.
    static func mix(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        var rest = String(decoding: file.bytes, as: UTF8.self)[...]
        while let tuple = rest.firstRange(of: "{:hex,") {
            rest = rest[tuple.upperBound...]
            guard let (first, behind) = rest.cut(","), let name = first.trimmedText.dropPrefix(":"), !name.isEmpty,
                let version = quoted(behind)
            else { throw file.malformed("expected {:hex, :name, \"version\"}, found {:hex,\(rest.prefix(80))") }
            let own = name.first == "\"" ? String(name.dropFirst().dropLast()) : String(name)
            out.append(FoundPackage(.hex, name: own, version: version, path: file.path))
            rest = behind
        }
        return out
    }

    /// The text in quotes that a term begins with.
    private static func quoted(_ term: Substring) -> String? {
        let start = term.drop { $0.isWhitespace }
        guard start.first == "\"" else { return nil }
        // Versions are short; a quote far away belongs to something else.
        let text = start.dropFirst().prefix(256)
        guard let end = text.firstIndex(of: "\""), end > text.startIndex else { return nil }
        return String(text[..<end])
    }

    /// `{pkg,<<"name">>,<<"1.2.3">>}`
    static func rebar(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        var rest = String(decoding: file.bytes, as: UTF8.self)[...]
        while let tuple = rest.firstRange(of: "{pkg,") {
            rest = rest[tuple.upperBound...]
            guard let end = rest.firstIndex(of: "}") else { throw file.malformed("a package's tuple has no end") }
            let parts = rest[..<end].split(separator: ",").map { part in
                part.filter { !"<>\" \n\r\t".contains($0) }
            }
            guard parts.count >= 2 else { throw file.malformed("a package's tuple has no version") }
            out.append(FoundPackage(.hex, name: parts[0], version: parts[1], path: file.path))
            rest = rest[end...]
        }
        return out
    }
}
