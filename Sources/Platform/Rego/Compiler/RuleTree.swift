// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The virtual documents by their path from `data`: packages, and the rules in them.
final class RuleNode {
    /// From `data`, without it.
    let path: [String]
    fileprivate(set) var children: [String: RuleNode] = [:]
    /// Rules whose path ends here: the value of this place.
    var rules: [SourceRule] = []
    /// Rules whose path goes on with variables or other keys: `p[x].q`. They give members of this place.
    var general: [SourceRule] = []
    /// Where the compiled rules of this place and the general ones stand, once they are compiled; -1 where there are none.
    var ruleSet = -1
    var generalSet = -1
    /// Sorted keys of the children that hold documents.
    var documentKeys: [String] = []
    var isFunction = false
    /// Is more than a function.
    var hasDocument = false

    init(path: [String]) { self.path = path }

    /// Holds one value and nothing below it.
    private(set) var isPlainRule = false

    func child(_ name: String) -> RuleNode? { children[name] }

    /// The node at a path, made where it is missing.
    func descend(_ names: some Sequence<String>) -> RuleNode {
        var node = self
        for name in names {
            if let next = node.children[name] {
                node = next
            } else {
                let next = RuleNode(path: node.path + [name])
                node.children[name] = next
                node = next
            }
        }
        return node
    }

    func find(_ names: some Sequence<String>) -> RuleNode? {
        var node = self
        for name in names {
            guard let next = node.children[name] else { return nil }
            node = next
        }
        return node
    }

    /// This node and all below, parents first, by name.
    func visit(_ body: (RuleNode) -> Void) {
        body(self)
        for name in children.keys.sorted() { children[name]?.visit(body) }
    }

    /// Fills what is derived from the rules.
    func settle() {
        for child in children.values { child.settle() }
        isPlainRule = !rules.isEmpty && general.isEmpty && children.isEmpty
        isFunction = rules.first?.isFunction ?? false
        hasDocument = !isFunction || !general.isEmpty
        documentKeys = children.filter { $0.value.hasDocument }.keys.sorted { compareBytes($0, $1) < 0 }
    }
}

/// A rule and the module that gives its names their meaning.
final class SourceRule {
    let rule: Rule
    let scope: ModuleScope
    /// What follows the fixed part of the path.
    let keys: [Term]
    let path: [String]

    init(rule: Rule, scope: ModuleScope) {
        self.rule = rule
        self.scope = scope
        let rest = rule.reference.dropFirst()
        // A member's own key keeps its rule general, so that `p[x]` and `p.a` merge.
        let fixed = rest.prefix { $0.stringText != nil }
        path = scope.module.package + [rule.name] + fixed.compactMap(\.stringText)
        keys = Array(rest.dropFirst(fixed.count))
    }

    var isFunction: Bool {
        if case .function = rule.kind { return true }
        return false
    }

    var isMultiple: Bool {
        if case .multiple = rule.kind { return true }
        return false
    }

    var arity: Int {
        if case .function(let arguments) = rule.kind { return arguments.count }
        return 0
    }
}

/// What the names of a module mean.
final class ModuleScope {
    let module: Module
    /// Rules of the package by name, in whatever module.
    let ruleNames: Set<String>
    /// Imports by the name they go by.
    let imports: [String: [String]]

    init(module: Module, ruleNames: Set<String>) {
        self.module = module
        self.ruleNames = ruleNames
        var imports: [String: [String]] = [:]
        for found in module.imports where found.path.first == "data" || found.path.first == "input" {
            if found.path.count > 1 || found.alias != nil { imports[found.name] = found.path }
        }
        self.imports = imports
    }

    var keepsNotInside: Bool { module.imports.contains { $0.path == ["future", "keywords", "not"] } }

    /// Where a global name leads, from `data` or `input` on.
    func global(_ name: String) -> [String]? {
        if ruleNames.contains(name) { return ["data"] + module.package + [name] }
        return imports[name]
    }
}
