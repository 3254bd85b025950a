// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego

/// A `location` of a mutator: `spec.containers[name: main].image`, `spec.containers[name: *].image`.
package struct MutationPath: Sendable, Hashable, CustomStringConvertible {
    package enum Key: Sendable, Hashable {
        case text(String)
        case number(Int)

        var value: Value {
            switch self {
            case .text(let text): .string(text)
            case .number(let number): .int(number)
            }
        }
    }

    package enum Step: Sendable, Hashable {
        case member(String)
        /// The elements of a list whose member `field` is `key`; all of them when that is nil.
        case element(field: String, key: Key?)

        var isElement: Bool {
            if case .element = self { return true }
            return false
        }
    }

    package let steps: [Step]
    package let description: String

    /// Evaluation recurses along a path.
    static let maxSteps = 64

    package init(_ text: String, at place: String) throws(GatekeeperError) {
        var scanner = PathScanner(text, place: place)
        var steps: [Step] = []
        repeat {
            steps.append(.member(try scanner.name("the name of a field")))
            if scanner.takes("[") {
                let field = try scanner.name("the field that tells elements apart")
                try scanner.expect(":")
                steps.append(.element(field: field, key: scanner.takes("*") ? nil : try scanner.key()))
                try scanner.expect("]")
            }
            guard steps.count <= Self.maxSteps else {
                throw GatekeeperError(.invalid, "\(place) has more than \(Self.maxSteps) steps")
            }
        } while scanner.takes(".")
        try scanner.end()
        self.steps = steps
        description = text
    }

    var isMetadata: Bool { steps.first == .member("metadata") }

    func begins(with other: MutationPath) -> Bool { steps.starts(with: other.steps) }
}

private struct PathScanner {
    private let text: [Unicode.Scalar]
    private let place: String
    private var index = 0

    init(_ text: String, place: String) {
        self.text = Array(text.unicodeScalars)
        self.place = place
    }

    private mutating func skipSpace() {
        while index < text.count, [" ", "\t", "\r", "\n"].contains(text[index]) { index += 1 }
    }

    mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < text.count, text[index] == scalar else { return false }
        index += 1
        return true
    }

    mutating func expect(_ scalar: Unicode.Scalar) throws(GatekeeperError) {
        if !takes(scalar) { throw unexpected("\(scalar)") }
    }

    mutating func end() throws(GatekeeperError) {
        skipSpace()
        if index < text.count { throw unexpected(". or the end") }
    }

    mutating func name(_ what: String) throws(GatekeeperError) -> String {
        skipSpace()
        if index < text.count, text[index] == "\"" || text[index] == "'" { return try quoted() }
        let start = index
        while index < text.count, Self.isPlain(text[index]) { index += 1 }
        guard start < index else { throw unexpected(what) }
        return String(String.UnicodeScalarView(text[start..<index]))
    }

    /// Digits without quotes are a number.
    mutating func key() throws(GatekeeperError) -> MutationPath.Key {
        skipSpace()
        let isQuoted = index < text.count && (text[index] == "\"" || text[index] == "'")
        let name = try name("the key of an element or *")
        if !isQuoted, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(name) {
            return .number(number)
        }
        return .text(name)
    }

    private mutating func quoted() throws(GatekeeperError) -> String {
        let start = index
        let quote = text[index]
        var found = String.UnicodeScalarView()
        index += 1
        while index < text.count {
            var scalar = text[index]
            index += 1
            if scalar == quote { return String(found) }
            if scalar == "\\", index < text.count {
                scalar = text[index]
                index += 1
            }
            found.append(scalar)
        }
        index = start
        throw unexpected("a quote that ends")
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    private func unexpected(_ wanted: String) -> GatekeeperError {
        let found = index < text.count ? "\(text[index])" : "the end"
        return GatekeeperError(.invalid, "\(place): expected \(wanted) at position \(index + 1), found \(found)")
    }
}
