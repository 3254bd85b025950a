// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// An approved exception: who answers for it, why, and until when. Empty selectors match everything.
package struct Exemption: Sendable, Hashable {
    package var id: String
    package var owner: String
    package var reason: String
    /// Seconds since 1970; nil never expires.
    package var expiry: Int64?
    /// Check ids, slugs or aliases.
    package var checks: [String]
    package var cluster: String
    /// Names, where `*` stands for any run of characters.
    package var namespace: String
    package var kind: String
    package var name: String
    package var container: String

    package init(
        id: String = "", owner: String, reason: String, expiry: Int64? = nil, checks: [String] = [],
        cluster: String = "", namespace: String = "", kind: String = "", name: String = "", container: String = ""
    ) {
        self.id = id
        self.owner = owner
        self.reason = reason
        self.expiry = expiry
        self.checks = checks
        self.cluster = cluster
        self.namespace = namespace
        self.kind = kind
        self.name = name
        self.container = container
    }

    /// Whether it covers a failure of `check` on `subject` at `now` (seconds since 1970).
    package func covers(check: Check, subject: Subject, container: String, now: Int64) -> Bool {
        if let expiry, expiry <= now { return false }
        return (checks.isEmpty || checks.contains { check.answers(to: $0) }) && fits(subject)
            && Self.matches(self.container, container)
    }

    /// Whether the names of a subject fit, whatever the check and container.
    package func fits(_ subject: Subject) -> Bool {
        Self.matches(cluster, subject.cluster) && Self.matches(namespace, subject.namespace)
            && isOfKind(subject.kind) && Self.matches(name, subject.name)
    }

    /// Whoever exempts a Deployment means all that is found on it: also what it has by its images (`Deployment images`)
    /// and under constraints (`Deployment constraints`). An exemption that names such a part itself covers that part alone.
    private func isOfKind(_ found: String) -> Bool {
        if kind.isEmpty { return true }
        let (wanted, found) = (kind.lowercased(), found.lowercased())
        return found.hasPrefix(wanted)
            && (found.utf8.count == wanted.utf8.count
                || [Subject.imagesWord, Subject.constraintsWord].contains { found == wanted + $0 })
    }

    /// Matches in linear time per star: `*` is any run of characters, nothing else is special.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        if pattern.isEmpty || pattern == "*" { return true }
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        var (at, from, star, mark) = (0, 0, -1, 0)
        while from < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                (star, mark) = (at, from)
                at += 1
            } else if at < pattern.count, pattern[at] == text[from] {
                at += 1
                from += 1
            } else if star >= 0 {
                mark += 1
                (at, from) = (star + 1, mark)
            } else {
                return false
            }
        }
        while at < pattern.count, pattern[at] == UInt8(ascii: "*") { at += 1 }
        return at == pattern.count
    }
}
