// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A compiled expression, ready for any number of evaluations on any thread.
package final class CELProgram: Sendable {
    package let text: String
    /// What it gives; `dyn` where it was not checked.
    package let type: CELType
    let root: CELStep
    let slotCount: Int
    /// Levels of the expression.
    let height: Int
    /// Names of the variables by their slot.
    let names: [String]
    /// Slots of the environment that it may ask for.
    package let used: Set<Int>
    /// The same, to go through.
    let usedSlots: [Int]

    /// Unchecked: any name may turn up at evaluation.
    package init(_ text: String, container: String = "") throws(CELError) {
        var parser = try CELParser(text)
        let expression = try parser.parse()
        var compiler = CELCompiler(CELEnvironment(container: container, isOpen: true))
        root = try compiler.compile(expression)
        (names, height, used) = (compiler.names, compiler.height, compiler.used)
        usedSlots = used.sorted()
        (slotCount, self.text, type) = (parser.slotCount, text, .dyn)
    }

    /// Checked against what there is; throws all that is wrong with it.
    /// - Parameter wanted: the types that it may give; any where empty.
    package init(_ text: String, in environment: CELEnvironment, giving wanted: [CELType] = []) throws(CELError) {
        var parser = try CELParser(text)
        let expression = try parser.parse()
        let type = try CELChecker.check(expression, text, slots: parser.slotCount, in: environment)
        if !wanted.isEmpty, type != .dyn, !wanted.contains(type) {
            let names = wanted.map(\.name).joined(separator: " or ")
            throw CELError(.check, "must evaluate to \(names), but gives \(type.name)")
        }
        var compiler = CELCompiler(environment)
        root = try compiler.compile(expression)
        (names, height, used) = (compiler.names, compiler.height, compiler.used)
        usedSlots = used.sorted()
        (slotCount, self.text, self.type) = (parser.slotCount, text, type)
    }

    /// The type of an expression that need not be evaluated.
    package static func type(of text: String, in environment: CELEnvironment) throws(CELError) -> CELType {
        var parser = try CELParser(text)
        return try CELChecker.check(try parser.parse(), text, slots: parser.slotCount, in: environment)
    }

    /// Evaluates with variables that are looked up when the expression comes to them.
    package func evaluate(
        limits: CELLimits = .standard, variables: @escaping (String) throws(CELError) -> CELValue?
    ) throws(CELError) -> CELValue {
        try CELEvaluator(self, limits: limits, lookup: variables).evaluate(self)
    }

    package func evaluate(_ variables: [String: CELValue] = [:]) throws(CELError) -> CELValue {
        try evaluate { variables[$0] }
    }

    // MARK: Names

    /// What a name may mean in a container, the longest first.
    static func candidates(_ name: String, _ container: String) -> [String] {
        if container.isEmpty { return [name] }
        var found: [String] = []
        var parts = container.split(separator: ".")
        while !parts.isEmpty {
            found.append((parts + [Substring(name)]).joined(separator: "."))
            parts.removeLast()
        }
        return found + [name]
    }

    private static let types: [String: String] = {
        var found: [String: String] = [:]
        for name in [
            "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type",
            "google.protobuf.Timestamp", "google.protobuf.Duration", "net.IP", "net.CIDR", "kubernetes.Quantity",
            "kubernetes.URL", "kubernetes.Semver",
        ] { found[name] = name }
        return found
    }()

    static func typeName(_ name: String, _ container: String) -> String? {
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        for candidate in candidates(plain, container) { if let type = types[candidate] { return type } }
        return nil
    }
}
