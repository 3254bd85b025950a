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

    /// Nil for what is no package URL.
    package init?(_ text: String) {
        guard text.utf8.count <= 8192, let rest = text.dropPrefix("pkg:") else { return nil }
        var left = rest[...]
        if let (before, after) = left.cutLast("#") {
            subpath = Self.path(after, isSubpath: true)
            left = before
        }
        if let (before, after) = left.cut("?") {
            for pair in after.split(separator: "&") {
                guard let (key, value) = pair.cut("="), !key.isEmpty, !value.isEmpty else { continue }
                qualifiers[key.lowercased()] = Self.decoded(value)
            }
            left = before
        }
        left = left.drop { $0 == "/" }
        guard let (kind, path) = left.cut("/") else { return nil }
        type = kind.lowercased()
        let isType = type.utf8.allSatisfy { byte in
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x2E, 0x2B, 0x2D: true
            default: false
            }
        }
        guard let first = type.first, first.isLetter, isType else { return nil }
        var place = path[...]
        // The version stands behind the last at sign, which a scope of npm may not be.
        let last = place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex
        if let at = place[last...].lastIndex(of: "@"), at > last {
            version = Self.decoded(place[place.index(after: at)...])
            place = place[..<at]
        } else if let at = place.lastIndex(of: "@"), at > place.startIndex, place[place.index(before: at)] != "/" {
            // Versions with slashes that nobody encoded.
            version = Self.decoded(place[place.index(after: at)...])
            place = place[..<at]
        }
        while place.last == "/" { place = place.dropLast() }
        if let (before, after) = place.cutLast("/") {
            namespace = Self.path(before, isSubpath: false)
            name = Self.decoded(after)
        } else {
            name = Self.decoded(place)
        }
        guard !name.isEmpty else { return nil }
        normalize()
    }

    private mutating func normalize() {
        switch type {
        case "pypi": name = name.lowercased().replacing("_", with: "-")
        case "deb", "apk", "composer", "bitbucket", "github", "hex", "pub", "alpm":
            name = name.lowercased()
            namespace = namespace.lowercased()
        case "rpm": namespace = namespace.lowercased()
        default: break
        }
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

    private static func path(_ text: some StringProtocol, isSubpath: Bool) -> String {
        var parts: [String] = []
        for part in text.split(separator: "/") {
            let decoded = decoded(part)
            if isSubpath, decoded == "." || decoded == ".." { continue }
            parts.append(decoded)
        }
        return parts.joined(separator: "/")
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
