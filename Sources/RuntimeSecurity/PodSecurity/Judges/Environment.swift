// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// Environment variables and configuration that carry credentials.
enum Environment {
    static func duplicateNames(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        // Few names are compared with each other by their marks; many are worth a set.
        var marks = InlineArray<24, UInt64>(repeating: 0)
        var count = 0
        var seen: Set<String> = []
        let found: Verdict? = try container.node.first(of: "env") { (index, variable) throws(UnreadableField) in
            guard let node = try variable.text("name") else { return nil }
            if count < marks.count {
                let mark = node.textMark
                var isLikeAnother = false
                for other in 0..<count where marks[other] == mark { isLikeAnother = true }
                marks[count] = mark
                count += 1
                let isNew = !isLikeAnother || !names(before: index, of: container).contains { $0.hasSameText(as: node) }
                if count == marks.count {
                    seen = Set(names(before: index, of: container).compactMap(\.string))
                    seen.insert(node.string ?? "")
                }
                if isNew { return nil }
            } else if seen.insert(node.string ?? "").inserted {
                return nil
            }
            return .fail(
                "The variable \(node.string ?? "") is set twice: only the last one counts.",
                .relative("env[\(index)].name"),
                variable["name"])
        }
        return found ?? .pass
    }

    private static func names(before index: Int, of container: Container) -> [Node] {
        container.node.list("env").prefix(index).compactMap { $0["name"] }.filter { $0.kind == .string }
    }

    static func credentials(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict
    {
        try container.node.first(of: "env") { (index, variable) throws(UnreadableField) in
            guard let nameNode = try variable.text("name"), let valueNode = try variable.text("value"),
                Credentials.mayBeCredential(name: nameNode, value: valueNode), let name = nameNode.string,
                let value = valueNode.string, Credentials.isCredential(name: name, value: value)
            else { return nil }
            return .fail(
                "The variable \(name) looks like a credential in clear text.", .relative("env[\(index)].value"),
                variable["value"])
        } ?? .pass
    }

    static func credentialsInConfigMap(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let data = try target.object.object("data") else { return .pass }
        for (key, node) in data.members {
            guard let value = node.string else {
                if node.isNull { continue }
                throw UnreadableField(
                    message: "an entry of data should be a string, not \(node.described)", path: "data.\(key.string)")
            }
            if Credentials.isCredential(name: key.string, value: value) || Credentials.holdsKey(value) {
                return .fail(
                    "The entry \(key.string) looks like a credential in clear text.", .object("data.\(key.string)"),
                    node)
            }
        }
        return .pass
    }
}

/// What gives a credential away: the name it is kept under, or its own form.
enum Credentials {
    private static let words: [StaticString] = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "accesskey", "access_key",
        "privatekey",
        "private_key", "credential", "_cli_key", "key_content", "encryption_key", "auth_key", "azureactivedirectory",
        "bearer",
    ]
    /// Endings of names that point at a credential instead of holding one, or say something about it.
    private static let harmless: [StaticString] = [
        "_file", "_path", "_name", "_url", "_uri", "_endpoint", "_enabled", "_ttl", "_expiry", "_expiration", "_length",
        "_type",
        "_header", "_host", "_port", "_ref", "_dir", "_mount", "_timeout", "_seconds", "_minutes", "_audience",
        "_issuer", "_count",
        "_limit", "_rotation", "_policy", "_size", "_class", "_interval", "_version", "_id",
    ]

    static func isCredential(name: String, value: String) -> Bool {
        if holdsKey(value) { return true }
        var name = name
        if !name.withUTF8({ hintsAtCredential($0) }) { return false }
        let lower = plain(name)
        let hints = lower.withUnsafeBufferPointer { lower in
            (words.contains { lower.holds($0) } || lower.isEqual(to: "pass") || lower.ends(with: "_pass")
                || lower.ends(with: "_pwd") || lower.isEqual(to: "pwd_key")
                || lower.starts(with: "azure_".utf8) && lower.ends(with: "key"))
                && !harmless.contains { lower.ends(with: $0) }
        }
        if !hints { return false }
        return looksSecret(value)
    }

    /// Whether one of the words can stand in a name at all: each holds one of these runs of letters, in any case. Nearly no
    /// name does, and asking is far cheaper than looking for every word.
    private static func hintsAtCredential(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        var window: UInt32 = 0
        for byte in name {
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            window = (window << 8 | UInt32(isUpper ? byte | 0x20 : byte)) & 0xFF_FFFF
            switch window {
            // pas, pwd, sec, tok, key, cre, azu, bea
            case 0x70_6173, 0x70_7764, 0x73_6563, 0x74_6F6B, 0x6B_6579, 0x63_7265, 0x61_7A75, 0x62_6561: return true
            default: break
            }
        }
        return false
    }

    /// False where `isCredential` surely is; asked before any text is made of the two strings.
    static func mayBeCredential(name: Node, value: Node) -> Bool {
        name.withUTF8 { hintsAtCredential($0) } == true
            || value.withUTF8 { text in
                beginsAsKey(text.first)
                    || text.count >= shortestPrivateKey && mayBeginPrivateKey(text)
            } == true
    }

    /// Whether a dash with a B behind it stands in a text, as at the beginning of each private key.
    private static func mayBeginPrivateKey(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard var at = text.baseAddress else { return false }
        let end = at + text.count
        while end - at > 1, let found = memchr(at, Int32(UInt8(ascii: "-")), end - at - 1) {
            at = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
            if at.pointee | 0x20 == UInt8(ascii: "b") { return true }
        }
        return false
    }

    /// Whether a well-known key begins with this byte.
    private static func beginsAsKey(_ byte: UInt8?) -> Bool {
        switch byte {
        case UInt8(ascii: "A"), UInt8(ascii: "g"), UInt8(ascii: "x"), UInt8(ascii: "s"): true
        default: false
        }
    }

    /// A name in lower case, with its parts joined by underscores.
    private static func plain(_ name: String) -> [UInt8] {
        name.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "-"), UInt8(ascii: "."): UInt8(ascii: "_")
            default: byte
            }
        }
    }

    /// Whether a value is the form of a well-known secret, whatever it is called.
    static func holdsKey(_ value: String) -> Bool {
        if holdsPrivateKey(value) { return true }
        if !beginsAsKey(value.utf8.first) { return false }
        for (prefix, length) in [
            ("AKIA", 20), ("ASIA", 20), ("ghp_", 40), ("gho_", 40), ("github_pat_", 60), ("glpat-", 26), ("xoxb-", 30),
            ("sk_live_", 24), ("AIza", 39),
        ]
        where value.utf8.count >= length && value.hasPrefix(prefix) && !value.utf8.contains(UInt8(ascii: " ")) {
            return true
        }
        return false
    }

    /// A PEM block of a private key, of whatever kind; some writers shorten its dashes or write it small.
    private static func holdsPrivateKey(_ value: String) -> Bool {
        privateKeys.contains { value.holds($0.start) && value.holds($0.end) }
    }

    /// Beginning and end of a block may share a dash.
    private static let shortestPrivateKey = 18

    private static let privateKeys: [(start: StaticString, end: StaticString)] = [
        ("-BEGIN ", "PRIVATE KEY-"), ("-begin ", "private key-"), ("-Begin ", "Private Key-"),
    ]

    /// A flag, a number, a path, an address or a reference to another variable is no secret.
    private static func looksSecret(_ value: String) -> Bool {
        let value = value.lowercased()
        if value.isEmpty
            || ["true", "false", "yes", "no", "none", "null", "on", "off", "changeit_later"].contains(value)
        {
            return false
        }
        if value.hasPrefix("/") || value.hasPrefix("$(") || value.hasPrefix("${") || value.hasPrefix("{{")
            || value.holds("://") && !value.holds("@")
        {
            return false
        }
        return true
    }
}

extension String {
    /// Whether the bytes of `part` stand anywhere in the text. Environments and configuration maps hold long texts, and the
    /// standard library's search walks them by characters.
    func holds(_ part: StaticString) -> Bool {
        var text = self
        return text.withUTF8 { $0.holds(part) }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Whether these are just the bytes of `text`.
    func isEqual(to text: StaticString) -> Bool { count == text.utf8CodeUnitCount && ends(with: text) }

    /// Whether these bytes end with those of `part`.
    func ends(with part: StaticString) -> Bool {
        let length = part.utf8CodeUnitCount
        guard let start = baseAddress, count >= length else { return length == 0 }
        return memcmp(start + (count - length), part.utf8Start, length) == 0
    }

    /// Whether `part` stands anywhere in these bytes.
    func holds(_ part: StaticString) -> Bool {
        let length = part.utf8CodeUnitCount
        guard var at = baseAddress, length > 0 else { return false }
        let end = at + count
        while end - at >= length, let found = memchr(at, Int32(part.utf8Start[0]), end - at - length + 1) {
            if memcmp(found, part.utf8Start, length) == 0 { return true }
            at = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
        }
        return false
    }
}
