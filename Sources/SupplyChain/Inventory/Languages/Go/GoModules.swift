// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// go.mod and go.sum (go.dev/ref/mod).
package enum GoModules {
    /// The modules that go.mod requires, after its replacements.
    static func mod(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var required: [FoundPackage] = []
        var replaced: [String: (name: String, version: String)] = [:]
        var block = ""
        for raw in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            var line = raw
            if let comment = line.firstRange(of: "//") { line = line[..<comment.lowerBound] }
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(unquoted)
            if words.isEmpty { continue }
            if words == [")"] {
                block = ""
                continue
            }
            if block.isEmpty {
                let verb = words.removeFirst()
                if words == ["("] {
                    block = verb
                    continue
                }
                try take(verb, words, file, &required, &replaced)
            } else {
                try take(block, words, file, &required, &replaced)
            }
        }
        var out: [FoundPackage] = []
        for var package in required {
            if let other = replaced["\(package.name)@\(package.version)"] ?? replaced[package.name] {
                // By a folder, whose version nobody knows.
                if other.version.isEmpty { continue }
                (package.name, package.version) = (other.name, other.version)
            }
            out.append(package)
        }
        return out
    }

    /// Since Go 1.17 go.mod names what is needed indirectly, too: go.sum beside it, with its checks of versions that were
    /// only looked at, says nothing more.
    package static func isComplete(_ file: InventoryFile) -> Bool { file.bytes.withUnsafeBufferPointer(isComplete) }

    private static func isComplete(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        for line in Lines(text) {
            let words = line.trimmed
            guard words.starts(with: "go ") || words.starts(with: "go\t") else { continue }
            let number = words.dropping(3).trimmed.string.split(separator: ".")
            guard number.count >= 2, let major = Int(number[0]),
                let minor = Int(number[1].prefix { $0.isASCII && $0.isNumber })
            else { return false }
            return (major, minor) >= (1, 17)
        }
        return false
    }

    private static func unquoted(_ word: Substring) -> String {
        guard word.count >= 2, let quote = word.first, quote == "\"" || quote == "`", word.last == quote else {
            return String(word)
        }
        return String(word.dropFirst().dropLast())
    }

    private static func take(
        _ verb: String, _ words: [String], _ file: InventoryFile, _ required: inout [FoundPackage],
        _ replaced: inout [String: (name: String, version: String)]
    ) throws(InventoryError) {
        switch verb {
        case "require":
            guard words.count == 2 else { throw file.malformed("require needs a module and a version: \(words)") }
            required.append(FoundPackage(.golang, name: words[0], version: words[1], path: file.path))
        case "replace":
            guard let arrow = words.firstIndex(of: "=>"), arrow == 1 || arrow == 2,
                words.count == arrow + 2 || words.count == arrow + 3
            else { throw file.malformed("replace needs a module on both sides of =>: \(words)") }
            let key = words[..<arrow].joined(separator: "@")
            replaced[key] = (words[arrow + 1], words.count == arrow + 3 ? words[arrow + 2] : "")
        default: break
        }
    }

    /// go.sum holds checks of every version that was ever looked at. Only what was fetched whole counts, and of two
    /// versions the one that stands later, which is the newer. For projects whose go.mod does not name what they need
    /// indirectly: see `isComplete`.
    static func sum(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            if words.isEmpty { continue }
            guard words.count == 3 else {
                throw file.malformed("a line has other than three words: \(line.prefix(80))")
            }
            if words[1].hasSuffix("/go.mod") { continue }
            let package = FoundPackage(.golang, name: String(words[0]), version: String(words[1]), path: file.path)
            if out.last?.name == package.name { out[out.count - 1] = package } else { out.append(package) }
        }
        return out
    }
}
