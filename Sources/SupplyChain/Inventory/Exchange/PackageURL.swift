// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A package URL: `pkg:type/namespace/name@version?qualifiers#subpath` (github.com/package-url/purl-spec).
package struct PackageURL: Sendable, Hashable, CustomStringConvertible {
    /// In small letters: `deb`.
    package var type: String
    /// Parts joined by `/`, not encoded: `@babel`, `github.com/Masterminds`.
    package var namespace = ""
    package var name: String
    package var version = ""
    /// Keys in small letters; no value is empty.
    package var qualifiers: [String: String] = [:]
    package var subpath = ""

    package init(type: String, namespace: String = "", name: String, version: String = "") {
        self.type = type
        self.namespace = namespace
        self.name = name
        self.version = version
    }

    /// Nil for what is no package URL. Read by its bytes: bills hold tens of thousands.
    package init?(_ text: String) {
        guard text.utf8.count <= 8192 else { return nil }
        var text = text
        let url = text.withUTF8 { PackageURL($0) }
        guard let url else { return nil }
        self = url
    }

    private init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard text.starts(with: "pkg:") else { return nil }
        (type, name) = ("", "")
        var (start, end) = (4, text.count)
        if let mark = Self.last(0x23, in: text, start..<end) {
            subpath = Self.path(text, mark + 1..<end, isSubpath: true)
            end = mark
        }
        if let mark = Self.first(0x3F, in: text, start..<end) {
            for pair in Self.parts(text, mark + 1..<end, 0x26) {
                guard let equals = Self.first(0x3D, in: text, pair), equals > pair.lowerBound,
                    equals + 1 < pair.upperBound
                else { continue }
                let key = Self.lowered(Self.string(text, pair.lowerBound..<equals))
                qualifiers[key] = Self.decoded(text, equals + 1..<pair.upperBound)
            }
            end = mark
        }
        while start < end, text[start] == 0x2F { start += 1 }
        guard let slash = Self.first(0x2F, in: text, start..<end), slash > start else { return nil }
        for (index, byte) in text[start..<slash].enumerated() {
            switch byte {
            case 0x61...0x7A, 0x41...0x5A: break
            case 0x30...0x39, 0x2E, 0x2B, 0x2D: if index == 0 { return nil }
            default: return nil
            }
        }
        type = Self.lowered(Self.string(text, start..<slash))
        start = slash + 1
        // The version stands behind the last at sign, which a scope of npm may not be.
        let last = Self.last(0x2F, in: text, start..<end).map { $0 + 1 } ?? start
        if let at = Self.last(0x40, in: text, last..<end), at > last {
            version = Self.decoded(text, at + 1..<end)
            end = at
        } else if let at = Self.last(0x40, in: text, start..<end), at > start, text[at - 1] != 0x2F {
            // Versions with slashes that nobody encoded.
            version = Self.decoded(text, at + 1..<end)
            end = at
        }
        while end > start, text[end - 1] == 0x2F { end -= 1 }
        if let slash = Self.last(0x2F, in: text, start..<end) {
            namespace = Self.path(text, start..<slash, isSubpath: false)
            start = slash + 1
        }
        name = Self.decoded(text, start..<end)
        guard !name.isEmpty else { return nil }
        normalize()
    }

    private mutating func normalize() {
        switch type {
        case "pypi":
            name = Self.lowered(name)
            if name.utf8.contains(0x5F) { name = name.replacing("_", with: "-") }
        case "deb", "apk", "composer", "bitbucket", "github", "hex", "pub", "alpm":
            name = Self.lowered(name)
            namespace = Self.lowered(namespace)
        case "rpm": namespace = Self.lowered(namespace)
        default: break
        }
    }

    private static func lowered(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 && !(0x41...0x5A).contains($0) } ? text : text.lowercased()
    }

    package var description: String {
        var copy = self
        copy.normalize()
        return copy.written
    }

    private var written: String {
        var out = "pkg:\(type)/"
        for part in namespace.split(separator: "/") { out += Self.encoded(part) + "/" }
        out += Self.encoded(name)
        if !version.isEmpty { out += "@" + Self.encoded(version) }
        var mark = "?"
        for (key, value) in qualifiers.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            out += "\(mark)\(key)=\(Self.encoded(value))"
            mark = "&"
        }
        if !subpath.isEmpty {
            out += "#" + subpath.split(separator: "/").map { Self.encoded($0) }.joined(separator: "/")
        }
        return out
    }

    // MARK: Pieces of a text

    private static func first(_ byte: UInt8, in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
        text[range].firstIndex(of: byte)
    }

    private static func last(_ byte: UInt8, in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
        text[range].lastIndex(of: byte)
    }

    private static func string(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: text[range], as: UTF8.self)
    }

    /// What stands between separators, where it is not empty.
    private static func parts(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ separator: UInt8
    ) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let end = first(separator, in: text, start..<range.upperBound) ?? range.upperBound
            if end > start { found.append(start..<end) }
            start = end + 1
        }
        return found
    }

    private static func path(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isSubpath: Bool
    ) -> String {
        var whole = ""
        for part in parts(text, range, 0x2F) {
            let decoded = decoded(text, part)
            if isSubpath, decoded == "." || decoded == ".." { continue }
            if !whole.isEmpty { whole += "/" }
            whole += decoded
        }
        return whole
    }

    private static func decoded(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String {
        let text = string(text, range)
        return text.utf8.contains(0x25) ? decoded(text) : text
    }

    private static func encoded(_ text: some StringProtocol) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A: out.append(byte)
            default: out += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `@` for `%40`; what is no such escape stays.
    package static func decoded(_ text: some StringProtocol) -> String {
        guard text.utf8.contains(0x25) else { return String(text) }
        func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x37
            case 0x61...0x66: byte - 0x57
            default: nil
            }
        }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == 0x25, at + 2 < bytes.count, let high = digit(bytes[at + 1]), let low = digit(bytes[at + 2])
            {
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
