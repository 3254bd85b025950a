// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

/// What AssignImage puts in place of parts of an image reference; empty parts stay as they are.
struct ImageParts: Sendable {
    let domain: String
    let path: String
    /// With the sign that begins it: `:v1` or `@sha256:…`.
    let tag: String

    /// Parts that would be read into their neighbours the next time are refused, so that it ends.
    init(_ parameters: ObjectFields) throws(GatekeeperError) {
        domain = try parameters.text("assignDomain")
        path = try parameters.text("assignPath")
        tag = try parameters.text("assignTag")
        guard !(domain.isEmpty && path.isEmpty && tag.isEmpty) else {
            throw GatekeeperError(
                .invalid, "\(parameters.path) must have assignDomain, assignPath or assignTag")
        }
        for (key, text, expression) in [
            ("assignDomain", domain, #"^(?:\w[\w-]*\.[\w.-]*\w|localhost)(?::\d+)?$"#),
            ("assignPath", path, #"^[a-z0-9]+(?:(?:[._/]|__|-*)[a-z0-9]+)*$"#),
            (
                "assignTag", tag,
                #"^(?::\w[\w.-]{0,127}|@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,})$"#
            ),
        ] where !text.isEmpty {
            let fits: Bool
            do throws(PatternError) { fits = try PatternCache.shared.pattern(expression).matches(text) } catch {
                throw GatekeeperError(.invalid, "\(parameters.at(key)): \(error)")
            }
            guard fits else { throw GatekeeperError(.invalid, "\(parameters.at(key)) must match \(expression)") }
        }
        if domain.isEmpty, !Self.split(path).domain.isEmpty {
            throw GatekeeperError(
                .invalid,
                "\(parameters.at("assignPath")) begins like a domain; then \(parameters.at("assignDomain")) must be set"
            )
        }
    }

    func applied(to image: String) -> String {
        let (oldDomain, rest) = Self.split(image)
        let end = rest.firstIndex { $0 == ":" || $0 == "@" } ?? rest.endIndex
        let newDomain = domain.isEmpty ? oldDomain : domain
        return (newDomain.isEmpty ? "" : newDomain + "/") + (path.isEmpty ? String(rest[..<end]) : path)
            + (tag.isEmpty ? String(rest[end...]) : tag)
    }

    private static func split(_ image: String) -> (domain: String, rest: Substring) {
        guard let slash = image.firstIndex(of: "/") else { return ("", image[...]) }
        let head = image[..<slash]
        guard head == "localhost" || head.contains(where: { $0 == "." || $0 == ":" }) else { return ("", image[...]) }
        return (String(head), image[image.index(after: slash)...])
    }
}
