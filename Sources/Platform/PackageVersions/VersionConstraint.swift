// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A condition on versions: `>= 1.0, < 2.0 || = 2.4.1`. Commas and blanks join, `||` separates alternatives, a version alone means
/// equal, and nothing at all holds for every version.
package struct VersionConstraint: Sendable {
    package enum Operator: String, Sendable, CaseIterable {
        case equal = "=", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
        /// At least this, and the same up to the last but one of its numbers (RubyGems).
        case pessimistic = "~>"
    }

    package struct Condition: Sendable {
        package let relation: Operator
        package let version: String
    }

    package let scheme: VersionScheme
    /// One of these lists must hold as a whole; no list means that everything holds.
    package let alternatives: [[Condition]]

    /// Longer constraints, or those with more conditions, are refused.
    package static let longest = 64 << 10

    /// - Throws: `malformedConstraint` for unknown operators and missing versions, `malformedVersion` for versions that the scheme
    ///   refuses.
    package init(_ text: String, _ scheme: VersionScheme) throws(VersionError) {
        self.scheme = scheme
        guard text.utf8.count <= Self.longest else {
            throw VersionError(.tooLong, "a constraint has more than \(Self.longest) bytes")
        }
        var reader = ConstraintReader(Array(text.utf8), text)
        var alternatives: [[Condition]] = []
        while true {
            let conditions = try reader.conditions()
            for condition in conditions { try scheme.validate(condition.version) }
            if !conditions.isEmpty { alternatives.append(conditions) }
            if !reader.isMore { break }
            guard reader.skipBar() else { throw reader.refused() }
            guard !conditions.isEmpty, reader.isMore else { throw reader.refused() }
        }
        self.alternatives = alternatives
    }

    /// - Throws: `malformedVersion` for what the scheme refuses.
    package func contains(_ version: String) throws(VersionError) -> Bool {
        if alternatives.isEmpty { return true }
        for conditions in alternatives {
            var holds = true
            for condition in conditions where holds { holds = try self.holds(condition, version) }
            if holds { return true }
        }
        return false
    }

    private func holds(_ condition: Condition, _ version: String) throws(VersionError) -> Bool {
        if condition.relation == .pessimistic {
            guard try order(version, condition.version) != .less else { return false }
            return try order(version, Self.ceiling(condition.version)) == .less
        }
        let order = try order(version, condition.version)
        return switch condition.relation {
        case .equal: order == .equal
        case .notEqual: order != .equal
        case .less: order == .less
        case .lessOrEqual: order != .greater
        case .greater: order == .greater
        case .greaterOrEqual, .pessimistic: order != .less
        }
    }

    private func order(_ version: String, _ bound: String) throws(VersionError) -> VersionOrder {
        // PEP 440: a bound without a local part does not look at the local part of a version.
        if scheme == .pep440, !bound.utf8.contains(0x2B), let plus = version.utf8.lastIndex(of: 0x2B) {
            return try scheme.compare(String(version[..<plus]), bound)
        }
        return try scheme.compare(version, bound)
    }

    /// What `~>` stays below: `2.0` for 1.4, `1.5` for 1.4.2.
    private static func ceiling(_ version: String) -> String {
        var numbers: [Substring] = []
        for part in version.split(separator: ".") {
            guard part.utf8.allSatisfy(\.isDigit) else { break }
            numbers.append(part)
        }
        if numbers.count > 1 { numbers.removeLast() }
        guard let last = numbers.popLast() else { return version }
        return (numbers.map(String.init) + [Self.successor(last)]).joined(separator: ".")
    }

    private static func successor(_ number: Substring) -> String {
        var digits = Array(number.utf8)
        var at = digits.count - 1
        while at >= 0 {
            if digits[at] != 0x39 {
                digits[at] += 1
                return String(decoding: digits, as: UTF8.self)
            }
            digits[at] = 0x30
            at -= 1
        }
        return "1" + String(decoding: digits, as: UTF8.self)
    }
}

/// Reads the text of a constraint.
private struct ConstraintReader {
    private let bytes: [UInt8]
    private let text: String
    private var at = 0

    init(_ bytes: [UInt8], _ text: String) {
        self.bytes = bytes
        self.text = text
    }

    private var byte: UInt8 { at < bytes.count ? bytes[at] : 0 }
    var isMore: Bool { at < bytes.count }

    func refused() -> VersionError {
        VersionError(.malformedConstraint, "\(String(text.prefix(200)).debugDescription) is no constraint on versions")
    }

    mutating func skipBar() -> Bool {
        guard byte == 0x7C, at + 1 < bytes.count, bytes[at + 1] == 0x7C else { return false }
        at += 2
        return true
    }

    /// Up to the next `||`.
    mutating func conditions() throws(VersionError) -> [VersionConstraint.Condition] {
        var found: [VersionConstraint.Condition] = []
        while true {
            while byte.isBlank || (byte == 0x2C && !found.isEmpty) { at += 1 }
            guard isMore, byte != 0x7C else { return found }
            let relation = try relation()
            while byte.isBlank { at += 1 }
            found.append(.init(relation: relation, version: try version()))
        }
    }

    private mutating func relation() throws(VersionError) -> VersionConstraint.Operator {
        let start = at
        while [0x3C, 0x3D, 0x3E, 0x21, 0x7E, 0x5E].contains(byte) { at += 1 }
        let word = String(decoding: bytes[start..<at], as: UTF8.self)
        if word.isEmpty || word == "==" { return .equal }
        // Debian's packages write << and >> for what is really less and greater.
        if word == "<<" { return .less }
        if word == ">>" { return .greater }
        guard let relation = VersionConstraint.Operator(rawValue: word) else { throw refused() }
        return relation
    }

    private mutating func version() throws(VersionError) -> String {
        let quote: UInt8 = byte == 0x27 || byte == 0x22 ? byte : 0
        if quote != 0 { at += 1 }
        let start = at
        while isMore {
            if quote != 0 ? byte == quote : byte == 0x2C || byte == 0x7C || byte.isBlank { break }
            at += 1
        }
        guard at > start else { throw refused() }
        let version = String(decoding: bytes[start..<at], as: UTF8.self)
        if quote != 0 {
            guard byte == quote else { throw refused() }
            at += 1
        }
        return version
    }
}
