// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import OCI

/// A whole reference (`ImageScan.reference`), taken apart for patterns.
package struct ScannedReference: Sendable, Hashable {
    package let text: String
    /// `registry.example.com/shop/cart`
    let path: [UInt8]
    /// Nil where a digest stands.
    let tag: [UInt8]?
    let digest: String?

    package var hasDigest: Bool { digest != nil }

    /// - Throws: `reference`.
    package init(image: String) throws(ImagePolicyError) {
        text = try ImageScan.reference(image)
        let parts = text.split(separator: "@", maxSplits: 1)
        digest = parts.count == 2 ? String(parts[1]) : nil
        let (path, tag) = ReferencePattern.splitTag(parts[0])
        self.path = Array(path.utf8)
        self.tag = digest == nil ? tag.map { Array($0.utf8) } : nil
    }
}

/// `registry.example.com/shop/*`: stands for references. `*` is any run of characters without a slash, `**` any run at all.
///
/// - A host alone is all that it holds: `ghcr.io`, `registry.example.com:5000`, `*.example.com`.
/// - Anything else is made whole as references are: `nginx` is `docker.io/library/nginx`.
/// - Without a tag every tag and digest is meant; `*` and `**` alone are every image.
package struct ReferencePattern: Sendable, Equatable {
    package let text: String
    private let path: [Piece]
    private let tag: [Piece]?
    private let digest: String?

    private enum Piece: Sendable, Equatable {
        case byte(UInt8)
        case withoutSlash
        case any
    }

    static let maxLength = 300

    /// - Throws: `policy`, a sentence without the field: `is no pattern of images: …`.
    package init(_ text: String) throws(ImagePolicyError) {
        func wrong(_ why: String) -> ImagePolicyError {
            ImagePolicyError(.policy, "is \"\(ImageScan.cut(text, 80))\", no pattern of images: \(why)")
        }
        guard !text.isEmpty, text.utf8.count <= Self.maxLength else {
            throw wrong("it should have 1 to \(Self.maxLength) bytes")
        }
        let isPlain = text.utf8.allSatisfy { byte in
            (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
                || Array("*./:_-@[]".utf8).contains(byte)
        }
        guard isPlain else { throw wrong("only letters, digits, and * . / : _ - @ [ ] may stand in it") }
        self.text = text
        var rest = Substring(text)
        var digest: String?
        if let at = rest.firstIndex(of: "@") {
            do throws(OCIError) { digest = try Digest(String(rest[at...].dropFirst())).description } catch {
                throw wrong(error.message)
            }
            rest = rest[..<at]
        }
        self.digest = digest
        let isHost = digest == nil && !rest.contains("/") && Self.isHost(rest)
        let (name, tag) = isHost ? (rest, nil) : Self.splitTag(rest)
        guard !name.isEmpty, tag?.isEmpty != true else { throw wrong("its name or its tag is empty") }
        self.tag = tag.map { Self.pieces(Array($0.utf8)) }
        path = Self.pieces(Array(Self.whole(name, isHost: isHost).utf8))
        guard !name.split(separator: "/", omittingEmptySubsequences: false).contains("") else {
            throw wrong("a part between slashes is empty")
        }
    }

    /// Whether it stands for a reference.
    /// - Parameter untagged: the answer where it asks for a tag and a digest stands in the reference. True where a policy
    ///   should rather count, false where something is allowed by it.
    package func matches(_ reference: ScannedReference, untagged: Bool) -> Bool {
        guard Self.matches(path, reference.path) else { return false }
        if let digest, digest != reference.digest { return false }
        guard let tag else { return true }
        return reference.tag.map { Self.matches(tag, $0) } ?? untagged
    }

    // MARK: Parsing

    /// A colon after the last slash begins the tag.
    static func splitTag(_ text: Substring) -> (path: Substring, tag: Substring?) {
        let slash = text.lastIndex(of: "/") ?? text.startIndex
        guard let colon = text[slash...].lastIndex(of: ":") else { return (text, nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    /// What can be no name on Docker Hub: a dot, or a port, or `localhost`. (A tag is no number with a dot before it.)
    private static func isHost(_ text: Substring) -> Bool {
        if text == "*" || text == "**" { return false }
        let (name, port) = splitTag(text)
        let isPort = port.map { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } } ?? true
        return isPort && (name == "localhost" || name.hasPrefix("[") || name.contains("."))
    }

    private static func whole(_ name: Substring, isHost: Bool) -> String {
        if name == "*" || name == "**" { return "**" }
        if isHost { return ImageScan.host(String(name)) + "/**" }
        guard let slash = name.firstIndex(of: "/") else { return "\(ImageReference.defaultRegistry)/library/\(name)" }
        let first = name[..<slash]
        let isRegistry = first == "localhost" || first.contains { ".:*[".contains($0) || $0.isUppercase }
        guard isRegistry else { return "\(ImageReference.defaultRegistry)/\(name)" }
        let host = ImageScan.host(String(first))
        let rest = name[slash...].dropFirst()
        let isOfficial = host == ImageReference.defaultRegistry && !rest.contains("/") && rest != "**"
        return "\(host)/\(isOfficial ? "library/" : "")\(rest)"
    }

    private static func pieces(_ bytes: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        for byte in bytes {
            guard byte == 0x2A else {
                pieces.append(.byte(byte))
                continue
            }
            switch pieces.last {
            case .any: break
            case .withoutSlash: pieces[pieces.count - 1] = .any
            default: pieces.append(.withoutSlash)
            }
        }
        return pieces
    }

    // MARK: Matching

    /// Walks all positions of the pattern at once: time goes with the product of the lengths, whatever the pattern.
    private static func matches(_ pattern: [Piece], _ text: [UInt8]) -> Bool {
        // Most patterns begin with a name, and most references with another one.
        var start = 0
        while start < pattern.count, case .byte(let byte) = pattern[start] {
            guard start < text.count, text[start] == byte else { return false }
            start += 1
        }
        if start == pattern.count { return start == text.count }
        // Whatever follows, `**` at the end takes it; most patterns end so.
        let isOpen = pattern.last == .any
        if isOpen, start == pattern.count - 1 { return true }
        var at = [Bool](repeating: false, count: pattern.count + 1)
        var next = at
        func rest(_ at: inout [Bool]) {
            for index in start..<pattern.count where at[index] {
                if case .byte = pattern[index] { continue }
                at[index + 1] = true
            }
        }
        at[start] = true
        rest(&at)
        for byte in text[start...] {
            if isOpen, at[pattern.count] { return true }
            var isAlive = false
            for index in start..<pattern.count where at[index] {
                switch pattern[index] {
                case .byte(let wanted):
                    if wanted == byte { (next[index + 1], isAlive) = (true, true) }
                case .withoutSlash:
                    if byte != 0x2F { (next[index], isAlive) = (true, true) }
                case .any: (next[index], isAlive) = (true, true)
                }
            }
            guard isAlive else { return false }
            rest(&next)
            swap(&at, &next)
            for index in start...pattern.count { next[index] = false }
        }
        return at[pattern.count]
    }
}
