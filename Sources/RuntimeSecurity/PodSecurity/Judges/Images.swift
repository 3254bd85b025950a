// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Image references.
enum Images {
    /// The parts of `registry/repository:tag@digest`.
    final class Reference {
        /// Empty when the reference names none.
        private(set) var registry = ""
        private(set) var repository = ""
        private(set) var tag = ""
        private(set) var digest = ""

        /// The reference in a container; an `@` that no digest follows makes it none.
        static func of(_ container: Node) throws(UnreadableField) -> Reference? {
            guard let text = try container.string("image"), !text.isEmpty else { return nil }
            let image = Reference(text)
            if text.holds("@"), !image.hasDigest {
                throw UnreadableField(message: "image should name a digest after the @", path: "image")
            }
            return image
        }

        /// Whether the digest has a form: the name of an algorithm and what it gave.
        private var hasDigest: Bool {
            ["sha256:", "sha384:", "sha512:"].contains {
                digest.hasPrefix($0) && digest.utf8.count > $0.utf8.count && !digest.utf8.contains(UInt8(ascii: "/"))
            }
        }

        init(_ text: String) {
            var text = text
            text.withUTF8 { read(Slice(base: $0, bounds: 0..<$0.count)) }
        }

        private typealias Part = Slice<UnsafeBufferPointer<UInt8>>

        private func read(_ text: Part) {
            func string(_ part: Part) -> String { String(decoding: UnsafeBufferPointer(rebasing: part), as: UTF8.self) }
            var rest = text
            if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
                digest = string(rest[(at + 1)...])
                rest = rest[..<at]
            }
            // A colon after the last slash starts the tag; before it, a port.
            let name = rest.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? rest.startIndex
            if let colon = rest[name...].firstIndex(of: UInt8(ascii: ":")) {
                tag = string(rest[(colon + 1)...])
                rest = rest[..<colon]
            }
            if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
                let first = rest[..<slash]
                let isHost = first.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
                if isHost || first.elementsEqual("localhost".utf8) {
                    registry = string(first)
                    rest = rest[(slash + 1)...]
                }
            }
            repository = string(rest)
        }
    }

    static func movingTag(_ container: Container, _: Target, context: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard let image = try container.image.get() else { return .notApplicable }
        if !image.digest.isEmpty { return .pass }
        if image.tag.isEmpty {
            return .fail("The image has no tag, so it is whatever is newest.", "image", container.node["image"])
        }
        if image.tag == "latest" || context.settings.floatingTags.contains(image.tag) {
            return .fail("The image's tag \(image.tag) moves.", "image", container.node["image"])
        }
        return .pass
    }

    static func notPinned(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let image = try container.image.get() else { return .notApplicable }
        if !image.digest.isEmpty { return .pass }
        return .fail("The image is not pinned to a digest.", "image", container.node["image"])
    }

    static func notAlwaysPulled(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard let image = try container.image.get() else { return .notApplicable }
        // A digest always names the same bytes, wherever they were pulled.
        if !image.digest.isEmpty { return .pass }
        guard let policy = try container.node.string("imagePullPolicy"), !policy.isEmpty else {
            // Kubernetes' own default follows the tag of the day on which the object is made.
            if image.tag.isEmpty || image.tag == "latest" {
                return .warn(
                    "imagePullPolicy is unset: it is Always only until the image gets a fixed tag.", "imagePullPolicy")
            }
            return .fail(
                "The image is not pulled at every start: imagePullPolicy is unset and the tag is fixed.",
                "imagePullPolicy")
        }
        if policy == "Always" { return .pass }
        return .fail("The image is not pulled at every start.", "imagePullPolicy", container.node["imagePullPolicy"])
    }

    static func untrustedRegistry(_ container: Container, _: Target, context: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard let image = try container.image.get() else { return .notApplicable }
        let allowed = context.settings.allowedRegistries
        if allowed.isEmpty {
            if !isAddress(image.registry) { return .pass }
            return .fail(
                "The registry \(image.registry) is a bare address: nobody vouches for it.", "image",
                container.node["image"])
        }
        let registry = image.registry.isEmpty ? "docker.io" : image.registry
        let full = "\(registry)/\(image.repository)"
        if allowed.contains(where: { matches($0, registry: registry, full: full) }) { return .pass }
        return .fail("The registry \(registry) is not an allowed one.", "image", container.node["image"])
    }

    /// `example.com` allows the host and its subdomains, `example.com/team` what is under that path.
    private static func matches(_ allowed: String, registry: String, full: String) -> Bool {
        if allowed.contains("/") {
            let prefix = allowed.hasSuffix("/") ? allowed : allowed + "/"
            return full.hasPrefix(prefix) || full == allowed
        }
        let host = registry.split(separator: ":").first.map(String.init) ?? registry
        return registry == allowed || host == allowed || host.hasSuffix("." + allowed)
    }

    private static func isAddress(_ registry: String) -> Bool {
        if registry.hasPrefix("[") { return true }
        guard registry.utf8.first.map({ $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2B || $0 == 0x2D || $0 == 0x3A }) == true
        else {
            return false
        }
        let host = registry.split(separator: ":").first ?? ""
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
