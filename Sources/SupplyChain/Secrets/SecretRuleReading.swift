// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

extension SecretRule {
    /// The rules of a YAML file: a list `rules`.
    /// - Throws: `rule` with file and line for what is missing, misspelt or of the wrong kind.
    package static func read(_ bytes: [UInt8], file: String) throws(SecretError) -> [SecretRule] {
        var reader = YAMLReader(bytes, source: file)
        let document: Document?
        do { document = try reader.next()?.get() } catch {
            throw SecretError(.rule, "\(file)", cause: error)
        }
        guard let list = document?.root["rules"], list.isArray else {
            throw SecretError(.rule, "\(file):1: holds no list called rules")
        }
        var rules: [SecretRule] = []
        for node in list.elements { rules.append(try RuleNode(node: node, file: file).rule()) }
        return rules
    }

    /// Our own, from `rules/secrets`.
    static func embedded() throws(SecretError) -> [SecretRule] {
        var rules: [SecretRule] = []
        for file in EmbeddedRules.files { rules += try read(Array(file.text.utf8), file: file.path) }
        return rules
    }
}

/// One entry of the list while it is read.
private struct RuleNode {
    let node: Node
    let file: String

    func rule() throws(SecretError) -> SecretRule {
        guard node.isObject else { throw problem("a rule is a mapping") }
        for (key, _) in node.members where !Self.fields.contains(key.string) {
            throw problem("unknown field \(key.string)")
        }
        guard let severity = Severity(name: try text("severity")) else { throw problem("unknown severity") }
        var rule = SecretRule(
            id: try text("id"), title: try text("title"), severity: severity, pattern: try text("pattern"),
            keywords: try texts("keywords"))
        rule.paths = try texts("paths")
        rule.allow = try texts("allow")
        rule.before = try number("before", 0...4_096) ?? rule.before
        rule.after = try number("after", 8...65_536) ?? rule.after
        rule.isGeneric = node["generic"]?.bool ?? false
        rule.exceptsExamples = node["except-examples"]?.bool ?? false
        rule.isSureOfForm = node["sure"]?.bool ?? false
        if let entropy = node["entropy"] {
            guard let value = entropy.double, value >= 0, value <= 8 else {
                throw problem("entropy is a number of bits from 0 to 8")
            }
            rule.entropy = value
        }
        return rule
    }

    private static let fields: Set<String> = [
        "id", "title", "severity", "pattern", "keywords", "paths", "allow", "before", "after", "generic",
        "sure", "entropy", "except-examples",
    ]

    private func problem(_ message: String) -> SecretError {
        SecretError(.rule, "\(file):\(node.line): \(node["id"]?.string ?? "a rule"): \(message)")
    }

    private func text(_ key: String) throws(SecretError) -> String {
        guard let value = node[dynamic: key]?.string, !value.isEmpty else { throw problem("\(key) is missing") }
        return value
    }

    private func texts(_ key: String) throws(SecretError) -> [String] {
        guard let list = node[dynamic: key] else { return [] }
        guard list.isArray else { throw problem("\(key) is a list") }
        var found: [String] = []
        for element in list.elements {
            guard let value = element.string else { throw problem("\(key) is a list of texts") }
            found.append(value)
        }
        return found
    }

    private func number(_ key: String, _ range: ClosedRange<Int>) throws(SecretError) -> Int? {
        guard let node = node[dynamic: key] else { return nil }
        guard let value = node.int, range.contains(value) else {
            throw problem("\(key) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
