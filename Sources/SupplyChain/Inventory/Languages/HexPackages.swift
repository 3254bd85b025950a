// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Elixir's mix.lock and Erlang's rebar.lock: terms of the language, of which only those for packages of hex.pm matter.
enum HexPackages {
    /// `"name": {:hex, :name, "1.2.3", …},` each in a line of its own.
    static func mix(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let tuple = line.firstRange(of: "{:hex,") else { continue }
            let parts = line[tuple.upperBound...].split(separator: ",", maxSplits: 2).map(\.trimmedText)
            guard parts.count >= 2, let name = parts[0].dropPrefix(":"), parts[1].count > 2, parts[1].first == "\"",
                parts[1].last == "\""
            else { throw file.malformed("expected {:hex, :name, \"version\"}, found \(line.prefix(80))") }
            let own = name.first == "\"" ? name.dropFirst().dropLast() : name
            let version = String(parts[1].dropFirst().dropLast())
            out.append(FoundPackage(.hex, name: String(own), version: version, path: file.path))
        }
        return out
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
