// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Turns modules into a program, or says everything that is wrong with them.
struct Compiler {
    private let modules: [Module]
    private let program: Program
    private var numbers: [[String]: Int] = [:]
    private var generalNumbers: [[String]: Int] = [:]
    private var errors: [RegoError] = []
    private var edges: [Int: [Planner.Dependency]] = [:]
    /// Sets of rules that may answer differently, or are heard of outside, by what they call themselves.
    private var impure: Set<Int> = []
    /// How often a set of rules is called in the text.
    private var callCounts: [Int: Int] = [:]

    static func compile(_ modules: [Module], builtins: [String: Builtin]) throws(RegoErrors) -> Program {
        let root = RuleNode(path: [])
        var compiler = Compiler(modules: modules, program: Program(root: root, modules: modules, builtins: builtins))
        compiler.run()
        if !compiler.errors.isEmpty {
            // Functions that call themselves hold each other.
            for set in compiler.program.sets { set.clear() }
            throw RegoErrors(compiler.errors)
        }
        return compiler.program
    }

    private init(modules: [Module], program: Program) {
        self.modules = modules
        self.program = program
    }

    private mutating func run() {
        plant()
        program.root.settle()
        check()
        guard errors.isEmpty else { return }
        number()
        for set in program.sets.indices { compile(set) }
        guard errors.isEmpty else { return }
        let nodes = needs()
        findRecursion(nodes)
        share(nodes)
    }

    /// Puts every rule where its path ends.
    private func plant() {
        var names: [[String]: Set<String>] = [:]
        for module in modules { names[module.package, default: []].formUnion(module.rules.map(\.name)) }
        for module in modules {
            let scope = ModuleScope(module: module, ruleNames: names[module.package] ?? [])
            _ = program.root.descend(module.package)
            for rule in module.rules {
                let source = SourceRule(rule: rule, scope: scope)
                let node = program.root.descend(source.path)
                if source.keys.isEmpty { node.rules.append(source) } else { node.general.append(source) }
            }
        }
    }

    private mutating func check() {
        var found: [RegoError] = []
        program.root.visit { node in
            let name = (["data"] + node.path).joined(separator: ".")
            guard let first = node.rules.first(where: { !$0.rule.isDefault }) ?? node.rules.first else { return }
            let place = first.rule.location
            for other in node.rules where other !== first {
                if other.isFunction != first.isFunction || (other.isMultiple != first.isMultiple) {
                    found.append(
                        RegoError(.type, "conflicting rules \(name) found", at: other.rule.location))
                } else if other.arity != first.arity {
                    found.append(
                        RegoError(.type, "conflicting rules \(name) found: arity differs", at: other.rule.location))
                }
            }
            if node.rules.filter(\.rule.isDefault).count > 1 {
                found.append(RegoError(.type, "multiple default rules \(name) found", at: place))
            }
            if !node.children.isEmpty {
                let below = node.children.keys.sorted().joined(separator: ", ")
                found.append(RegoError(.type, "rule \(name) conflicts with what stands below it: \(below)", at: place))
            } else if !node.general.isEmpty {
                found.append(RegoError(.type, "conflicting rules \(name) found", at: place))
            }
        }
        errors += found
    }

    private mutating func number() {
        var found: [(RuleNode, Bool)] = []
        program.root.visit { node in
            if !node.rules.isEmpty { found.append((node, false)) }
            if !node.general.isEmpty { found.append((node, true)) }
        }
        for (node, isGeneral) in found {
            let kind: RuleSet.Kind
            if isGeneral {
                kind = .general
                node.generalSet = program.sets.count
                generalNumbers[node.path] = program.sets.count
            } else {
                kind = node.isFunction ? .function : node.rules[0].isMultiple ? .set : .value
                node.ruleSet = program.sets.count
                numbers[node.path] = program.sets.count
            }
            program.sets.append(
                RuleSet(number: program.sets.count, path: node.path, kind: kind, arity: node.rules.first?.arity ?? 0))
        }
    }

    private mutating func compile(_ number: Int) {
        let set = program.sets[number]
        guard let node = program.root.find(set.path) else { return }
        let sources = set.kind == .general ? node.general : node.rules
        let constant = shared(sources)
        var clauses: [RuleSet.Clause] = []
        var drafts: [Draft?] = []
        for source in sources {
            let compiler = RuleCompiler(
                scope: source.scope, program: program, numbers: numbers, metadata: chain(source))
            let emit: RuleCompiler.Emit
            switch set.kind {
            case .value, .function: emit = .value(isEnough: constant, isFunction: set.kind == .function)
            case .set, .general: emit = .members
            }
            let clause = compiler.clause(source, emit)
            errors += compiler.errors
            edges[number, default: []] += compiler.dependencies
            if compiler.isImpure { impure.insert(number) }
            for other in compiler.calls { callCounts[other, default: 0] += 1 }
            set.inputUse.merge(compiler.inputUse)
            set.memos += compiler.memos
            if let clause {
                if source.rule.isDefault {
                    set.fallback = clause
                } else {
                    clauses.append(clause)
                    drafts.append(compiler.draft)
                }
            }
        }
        set.setClauses(set.kind == .set ? Draft.merged(clauses, drafts) : clauses)
    }

    /// Whether all rules of a place give the same constant.
    private func shared(_ sources: [SourceRule]) -> Bool {
        var value: Term.Kind?
        for source in sources where !source.rule.isDefault {
            for term in [source.rule.value] + source.rule.alternatives.map(\.value) {
                switch (term.kind, value) {
                case (.bool, nil), (.string, nil): value = term.kind
                case (.bool(let a), .bool(let b)?) where a == b: break
                case (.string(let a), .string(let b)?) where compareBytes(a, b) == 0: break
                default: return false
                }
            }
        }
        return value != nil
    }

    // MARK: Recursion

    /// The sets that each set looks at.
    private func needs() -> [Int: Set<Int>] {
        var nodes: [Int: Set<Int>] = [:]
        for (number, dependencies) in edges {
            var found: Set<Int> = []
            for dependency in dependencies {
                switch dependency {
                case .function(let path): if let other = numbers[path] { found.insert(other) }
                case .place(let path): found.formUnion(sets(at: path))
                }
            }
            nodes[number] = found
        }
        return nodes
    }

    /// Functions of which calls are worth keeping, and what each set follows from.
    private func share(_ nodes: [Int: Set<Int>]) {
        var callers: [Int: [Int]] = [:]
        for (number, others) in nodes { for other in others { callers[other, default: []].append(number) } }
        var impure = self.impure
        var waiting = Array(impure)
        while let number = waiting.popLast() {
            for caller in callers[number] ?? [] where impure.insert(caller).inserted { waiting.append(caller) }
        }
        for set in program.sets {
            set.needs = (nodes[set.number] ?? []).sorted()
            set.isPure = !impure.contains(set.number)
            set.isShared =
                set.isPure && set.kind == .function && CallTable.arities.contains(set.arity)
                && callCounts[set.number] ?? 0 > 1
        }
    }

    /// Rules that need themselves, found along what each looks at.
    private mutating func findRecursion(_ nodes: [Int: Set<Int>]) {
        var state: [Int: Int] = [:]
        var trail: [Int] = []
        func visit(_ number: Int) -> [Int]? {
            if state[number] == 2 { return nil }
            if state[number] == 1 { return Array(trail[(trail.firstIndex(of: number) ?? 0)...]) + [number] }
            state[number] = 1
            trail.append(number)
            for next in (nodes[number] ?? []).sorted() { if let cycle = visit(next) { return cycle } }
            trail.removeLast()
            state[number] = 2
            return nil
        }
        for number in program.sets.indices {
            guard let cycle = visit(number) else { continue }
            let names = cycle.map { program.sets[$0].name }
            errors.append(
                RegoError(
                    .recursion, "rule \(names[0]) is recursive: \(names.joined(separator: " -> "))",
                    at: program.sets[cycle[0]].clauses.first?.location))
            return
        }
    }

    /// The sets that have a say in what stands at a place.
    private func sets(at path: [String]) -> Set<Int> {
        var found: Set<Int> = []
        var node = program.root
        for name in path {
            if node.generalSet >= 0 { found.insert(node.generalSet) }
            if node.ruleSet >= 0, !node.isFunction { found.insert(node.ruleSet) }
            guard let next = node.child(name) else { return found }
            node = next
        }
        node.visit { below in
            if below.ruleSet >= 0, !below.isFunction { found.insert(below.ruleSet) }
            if below.generalSet >= 0 { found.insert(below.generalSet) }
        }
        return found
    }

    // MARK: Metadata

    /// What `rego.metadata.chain()` gives in a rule: its own annotations, then those of its document and packages.
    private func chain(_ source: SourceRule) -> [Value] {
        let rulePath =
            source.scope.module.package + source.rule.reference.compactMap { $0.variableName ?? $0.stringText }
        func entry(_ annotations: Annotations?, _ path: [String]) -> Value {
            var members: [(Value, Value)] = [(.string("path"), .array(path.map { .string($0) }))]
            if let annotations { members.append((.string("annotations"), annotations.value)) }
            return .object(ObjectValue(members))
        }
        let own = source.rule.annotations.first { $0.scope == "rule" }
        let document = program.root.find(source.path)?.rules.lazy
            .flatMap(\.rule.annotations).first { $0.scope == "document" }
        let package = source.scope.module.package
        var above: [Value] = []
        if let document { above.append(entry(document, rulePath)) }
        let packages = modules.filter { $0.package == package }.flatMap(\.annotations)
        if let found = packages.first(where: { $0.scope == "package" }) { above.append(entry(found, package)) }
        for count in stride(from: package.count, through: 0, by: -1) {
            let path = Array(package.prefix(count))
            let found = modules.filter { $0.package == path }.flatMap(\.annotations).first { $0.scope == "subpackages" }
            if let found { above.append(entry(found, path)) }
        }
        if own == nil, above.isEmpty { return [entry(nil, rulePath)] }
        return [entry(own, rulePath)] + above
    }
}
