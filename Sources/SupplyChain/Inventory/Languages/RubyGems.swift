// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Ruby: installed gems by the specifications that RubyGems writes, and Bundler's lock.
enum RubyGems {
    /// Only RubyGems' own folders: in a project's gemspec the version is Ruby code, and nothing is installed.
    static func isInstalled(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let slash = path.lastIndex(of: 0x2F) else { return false }
        let folder = UnsafeBufferPointer(rebasing: path[..<slash])
        return folder.hasSuffix("specifications") || folder.hasSuffix("specifications/default")
    }

    static func specification(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let (name, version, licenses) = try file.withText { (text) throws(InventoryError) in
            var (name, version) = ("", "")
            var licenses: [String] = []
            for line in Lines(text) {
                let words = line.trimmed
                // What RubyGems reads without running Ruby: name, version, platform.
                if words.starts(with: "# stub: ") {
                    let parts = words.dropping(8).string.split(separator: " ")
                    if parts.count >= 2, name.isEmpty { (name, version) = (String(parts[0]), String(parts[1])) }
                }
                guard let equal = words.index(of: 0x3D) else { continue }
                let target = words.prefixing(equal).trimmed
                if target.hasSuffix(".name"), let text = Self.quoted(words.dropping(equal + 1)).first {
                    name = text
                } else if target.hasSuffix(".version"), let text = Self.quoted(words.dropping(equal + 1)).first {
                    version = text
                } else if target.hasSuffix(".licenses") || target.hasSuffix(".license") {
                    licenses = Self.quoted(words.dropping(equal + 1))
                }
            }
            return (name, version, licenses)
        }
        guard !name.isEmpty, !version.isEmpty else { throw file.malformed("a gem needs a name and a version") }
        var package = FoundPackage(.gem, name: name, version: version, path: file.path)
        package.licenses = licenses
        return [package]
    }

    /// The texts in quotes of a line of Ruby.
    private static func quoted(_ line: UnsafeBufferPointer<UInt8>) -> [String] {
        var out: [String] = []
        var at = 0
        while at < line.count, out.count < 16 {
            guard line[at] == 0x22 || line[at] == 0x27 else {
                at += 1
                continue
            }
            guard let end = line.index(of: line[at], from: at + 1) else { break }
            out.append(UnsafeBufferPointer(rebasing: line[(at + 1)..<end]).string)
            at = end + 1
        }
        return out
    }

    /// Gemfile.lock: in the sections of sources, gems stand four spaces in, what they need two more. A gem of PATH is often
    /// the project's own, and often a copy of a public one.
    static func lock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        var seen: Set<String> = []
        var section = ""
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard line.first == " " else {
                section = line.trimmedText
                continue
            }
            guard ["GEM", "GIT", "PATH", "PLUGIN SOURCE"].contains(section), line.hasPrefix("    "),
                !line.hasPrefix("     ")
            else {
                continue
            }
            guard let (name, rest) = line.trimmedText.cut(" "), rest.first == "(", rest.last == ")" else {
                throw file.malformed("expected “name (version)”, found \(line.prefix(80))")
            }
            // Behind a hyphen stands a platform, which makes it no other version.
            let version = rest.dropFirst().dropLast().prefix { $0 != "-" }
            guard seen.insert("\(name) \(version)").inserted else { continue }
            out.append(FoundPackage(.gem, name: String(name), version: String(version), path: file.path))
        }
        return out
    }
}
