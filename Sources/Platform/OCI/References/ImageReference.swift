// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The name of an image in a registry, made complete as `docker pull` does: `nginx` is `docker.io/library/nginx:latest`.
///
/// `[registry[:port]/]path[:tag][@digest]`, by the grammar of the distribution project's reference.
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// Host and port, if one is named: `registry.example.org:5000`, `[::1]:5000`.
    package var registry: String
    /// `library/nginx`
    package var repository: String
    /// Nil only where a digest stands for it.
    package var tag: String?
    package var digest: Digest?

    package static let defaultRegistry = "docker.io"

    /// - Throws: `malformed` with the text and what is wrong with it.
    package init(_ text: String) throws(OCIError) {
        func wrong(_ why: String) -> OCIError {
            OCIError(.malformed, "\(text.excerpt()) is no reference to an image: \(why)")
        }
        guard !text.isEmpty else { throw wrong("it is empty") }
        guard text.utf8.count <= 1024 else { throw wrong("it has more than 1024 bytes") }
        var rest = Substring(text)
        if let at = rest.firstIndex(of: "@") {
            do throws(OCIError) { digest = try Digest(String(rest[at...].dropFirst())) } catch {
                throw wrong(error.message)
            }
            rest = rest[..<at]
        }
        // A colon after the last slash separates the tag; one before it belongs to the port.
        let slash = rest.lastIndex(of: "/") ?? rest.startIndex
        if let colon = rest[slash...].lastIndex(of: ":") {
            let tag = rest[colon...].dropFirst()
            guard Self.isTag(tag) else {
                throw wrong(
                    "tag \(String(tag).excerpt()) must have 1 to 128 letters, digits, '_', '.' and '-', "
                        + "and begin with none of the last two")
            }
            self.tag = String(tag)
            rest = rest[..<colon]
        }
        (registry, repository) = Self.split(rest)
        if let why = Self.complaint(registry: registry) { throw wrong(why) }
        if let why = Self.complaint(repository: repository) { throw wrong(why) }
        guard registry.utf8.count + 1 + repository.utf8.count <= 255 else {
            throw wrong("registry and repository have more than 255 bytes")
        }
        if registry == Self.defaultRegistry, repository.count == 64, repository.utf8.allSatisfy(\.isLowerHexadecimal) {
            throw wrong("64 hexadecimal digits are an image's id, which no registry knows")
        }
        if registry == "index.docker.io" { registry = Self.defaultRegistry }
        if registry == Self.defaultRegistry, !repository.contains("/") { repository = "library/" + repository }
        if tag == nil && digest == nil { tag = "latest" }
    }

    /// Complete: `docker.io/library/nginx:latest`.
    package var description: String {
        "\(registry)/\(repository)" + (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// Whether this is the registry of this machine itself, which is asked without TLS, as Docker does.
    package var isLocal: Bool {
        var host = Substring(registry)
        if host.hasPrefix("[") {
            return host.hasPrefix("[::1]")
        }
        if let colon = host.firstIndex(of: ":") { host = host[..<colon] }
        guard host != "localhost" else { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// What the manifest is asked for by.
    var target: String { digest?.description ?? tag ?? "latest" }

    /// The first component is a registry where it looks like a host: with a dot, a port or a capital, or `localhost`.
    private static func split(_ text: Substring) -> (registry: String, repository: String) {
        guard let slash = text.firstIndex(of: "/") else { return (defaultRegistry, String(text)) }
        let first = text[..<slash]
        let isHost =
            first == "localhost"
            || first.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || $0.isUpper }
        return isHost ? (String(first), String(text[slash...].dropFirst())) : (defaultRegistry, String(text))
    }

    static func isTag(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        let underscore = UInt8(ascii: "_")
        return (first.isAlphanumeric || first == underscore)
            && text.utf8.allSatisfy {
                $0.isAlphanumeric || $0 == underscore || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }

    private static func complaint(registry: String) -> String? {
        var host = Substring(registry)
        var port: Substring?
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else {
                return "registry \(registry.excerpt()) has no closing bracket"
            }
            let address = host[..<end].dropFirst()
            let isAddress =
                address.contains(":") && address.utf8.count <= 45
                && address.utf8.allSatisfy {
                    $0.isLowerHexadecimal || (0x41...0x46).contains($0) || $0 == UInt8(ascii: ":")
                        || $0 == UInt8(ascii: ".")
                }
            guard isAddress else { return "registry \(registry.excerpt()) holds no IPv6 address in its brackets" }
            let rest = host[end...].dropFirst()
            guard rest.isEmpty || rest.first == ":" else { return "registry \(registry.excerpt()) is no host and port" }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            if let colon = host.firstIndex(of: ":") {
                port = host[colon...].dropFirst()
                host = host[..<colon]
            }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            let dash = UInt8(ascii: "-")
            for part in parts {
                let isName = part.utf8.allSatisfy { $0.isAlphanumeric || $0 == dash }
                guard isName, let first = part.utf8.first, let last = part.utf8.last, first != dash, last != dash else {
                    return "registry \(registry.excerpt()) is no host name"
                }
            }
        }
        if let port {
            guard port.utf8.allSatisfy(\.isDigit), let number = UInt16(port), number > 0 else {
                return "port \(String(port).excerpt()) is none of 1 to 65535"
            }
        }
        return nil
    }

    private static func complaint(repository: String) -> String? {
        guard !repository.isEmpty else { return "the repository is missing" }
        for part in repository.split(separator: "/", omittingEmptySubsequences: false) where !isPathComponent(part) {
            if part.isEmpty { return "a part of the repository is empty" }
            if part.utf8.contains(where: \.isUpper) {
                return "repository \(repository.excerpt()) must be in lower case"
            }
            return "repository part \(String(part).excerpt()) must have letters in lower case and digits, "
                + "with '.', '_', '__' or dashes only between them"
        }
        return nil
    }

    /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
    private static func isPathComponent(_ text: Substring) -> Bool {
        var separator: [UInt8] = []
        var hasLetter = false
        for byte in text.utf8 {
            if byte.isLowerAlphanumeric {
                separator = []
                hasLetter = true
                continue
            }
            guard hasLetter else { return false }
            switch (separator.last, byte) {
            case (nil, UInt8(ascii: ".")), (nil, UInt8(ascii: "_")), (nil, UInt8(ascii: "-")): break
            case (UInt8(ascii: "_"), UInt8(ascii: "_")) where separator.count == 1: break
            case (UInt8(ascii: "-"), UInt8(ascii: "-")): break
            default: return false
            }
            separator.append(byte)
        }
        return hasLetter && separator.isEmpty
    }
}
