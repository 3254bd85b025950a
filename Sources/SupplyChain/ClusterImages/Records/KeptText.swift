// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Texts of images come from whoever made them: they are kept within bounds, and without zero characters, at which
/// SQLite would cut them.
enum KeptText {
    /// At most `limit` bytes, cut between characters.
    static func clip(_ text: String, _ limit: Int) -> String {
        var text = text
        if text.utf8.contains(0) {
            var clean = String.UnicodeScalarView()
            for scalar in text.unicodeScalars { clean.append(scalar == "\0" ? "\u{FFFD}" : scalar) }
            text = String(clean)
        }
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }

    /// The names of a workload as the table and the ledger both keep them.
    static func clip(_ subject: Subject) -> Subject {
        Subject(
            cluster: clip(subject.cluster, 300), apiVersion: clip(subject.apiVersion, 300),
            kind: clip(subject.kind, 300), namespace: clip(subject.namespace, 300), name: clip(subject.name, 300))
    }

    /// One line each, in order, within a number of bytes together.
    static func lines(_ texts: some Sequence<String>, _ limit: Int) -> String {
        var joined = ""
        for text in texts {
            let line = clip(text, limit).replacing("\n", with: " ")
            guard joined.utf8.count + line.utf8.count < limit else { break }
            joined += joined.isEmpty ? line : "\n" + line
        }
        return joined
    }

    static func split(_ lines: String) -> [String] { lines.split(separator: "\n").map(String.init) }

    /// A pattern for `LIKE … ESCAPE '\'` that finds a text anywhere.
    static func pattern(_ text: String) -> String {
        var pattern = "%"
        for character in clip(text, 200) {
            if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }

    /// Whether it is the digest of a manifest or configuration: `sha256:` and hexadecimal digits.
    static func isDigest(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, (3...20).contains(parts[0].count), (32...128).contains(parts[1].count) else {
            return false
        }
        return parts[0].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
            && parts[1].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
