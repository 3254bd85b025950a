// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A range as package URLs' sister specification writes it: `vers:deb/>=1.2-1|<1.4-1|1.5-2` (VERS, package-url/vers-spec).
/// The bounds of a range stand side by side; single versions and excluded ones stand between them.
package struct VersRange: Sendable {
    /// What stands behind `vers:`, in small letters: `deb`, `npm`.
    package let type: String
    private let conditions: [VersionConstraint.Condition]
    private let scheme: VersionScheme?
    private let isEverything: Bool

    private static let most = 10_000

    /// Nil for what is no `vers:`.
    /// - Throws: `malformedConstraint`, `malformedVersion` and `tooLong` for one that cannot be read.
    package init?(_ text: String) throws(VersionError) {
        guard text.hasPrefix("vers:") else { return nil }
        func refused() -> VersionError {
            VersionError(.malformedConstraint, "\(String(text.prefix(200)).debugDescription) is no range of versions")
        }
        guard text.utf8.count <= VersionConstraint.longest else {
            throw VersionError(.tooLong, "a range has more than \(VersionConstraint.longest) bytes")
        }
        let rest = text.dropFirst(5)
        guard let slash = rest.firstIndex(of: "/"), slash > rest.startIndex else { throw refused() }
        type = rest[..<slash].lowercased()
        scheme = Self.schemes[type]
        let list = rest[rest.index(after: slash)...].filter { $0 != " " }
        isEverything = list == "*"
        guard !isEverything else {
            conditions = []
            return
        }
        var found: [VersionConstraint.Condition] = []
        for part in list.split(separator: "|", omittingEmptySubsequences: true) {
            let sign = part.prefix { "<>=!".contains($0) }
            let version = Self.decoded(part[sign.endIndex...])
            guard !version.isEmpty, found.count < Self.most,
                let relation = sign.isEmpty ? .equal : VersionConstraint.Operator(rawValue: String(sign))
            else { throw refused() }
            try scheme?.validate(version)
            found.append(.init(relation: relation, version: version))
        }
        guard !found.isEmpty else { throw refused() }
        conditions = found
    }

    /// Whether a version lies in it. A range of a type whose order is not known holds only what it names.
    /// - Throws: `malformedVersion` for a version that the type refuses.
    package func contains(_ version: String) throws(VersionError) -> Bool {
        if isEverything { return true }
        guard let scheme else { return conditions.contains { $0.relation == .equal && $0.version == version } }
        var bounds: [VersionConstraint.Condition] = []
        for condition in conditions {
            let isEqual = try scheme.compare(version, condition.version) == .equal
            switch condition.relation {
            case .equal where isEqual, .lessOrEqual where isEqual, .greaterOrEqual where isEqual: return true
            case .notEqual where isEqual: return false
            case .equal, .notEqual, .pessimistic: continue
            default: bounds.append(condition)
            }
        }
        // Upper bounds end what the nearest lower bound before them began; an upper bound first is open downwards.
        var isOpen = bounds.first.map { $0.relation == .less || $0.relation == .lessOrEqual } ?? false
        for bound in bounds {
            let order = try scheme.compare(version, bound.version)
            if bound.relation == .greater || bound.relation == .greaterOrEqual {
                isOpen = isOpen || order == .greater
            } else {
                if isOpen, order == .less { return true }
                isOpen = false
            }
        }
        return isOpen
    }

    /// Signs of the notation itself are written in percent inside of versions.
    private static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(0x25) else { return String(text) }
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == 0x25, at + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[at + 1...at + 2], as: UTF8.self), radix: 16)
            {
                out.append(byte)
                at += 3
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static let schemes: [String: VersionScheme] = [
        "deb": .dpkg, "rpm": .rpm, "apk": .apk, "alpine": .apk, "alpm": .alpm, "ebuild": .gentoo, "gentoo": .gentoo,
        "npm": .semver, "pypi": .pep440, "gem": .gem, "maven": .maven, "golang": .go, "cargo": .semver,
        "composer": .composer, "nuget": .nuget, "pub": .pub, "hex": .semver, "swift": .semver, "conan": .conan,
        "cran": .cran, "hackage": .hackage, "openssl": .openssl, "semver": .semver, "generic": .semver,
    ]
}
