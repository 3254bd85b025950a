// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Gives the names of one rule their meaning: every variable gets a slot of the rule's frame, closures share those of the
/// bodies around them.
struct Resolver {
    let scope: ModuleScope
    let builtins: [String: Builtin]
    let root: RuleNode
    /// `rego.metadata.chain()` of the rule.
    var metadata: [Value] = []
    private(set) var slotCount = 0
    /// The names by slot; generated ones are empty.
    private(set) var names: [String] = []
    private var frames: [Frame] = []
    private(set) var errors: [RegoError] = []

    /// What is visible in one body.
    private struct Frame {
        var declared: [String: Int] = [:]
        /// Names that occur without a declaration.
        var implicit: [String: Int] = [:]
        /// Names that occur outside of closures here, whether before or after.
        var direct: Set<String> = []
        /// Reported when a declaration comes after.
        var used: Set<String> = []
        /// Slots of this body and of the closures in it.
        var slots: Set<Int> = []
    }

    init(scope: ModuleScope, builtins: [String: Builtin], root: RuleNode) {
        self.scope = scope
        self.builtins = builtins
        self.root = root
    }

    mutating func fresh(_ name: String = "") -> Int {
        names.append(name)
        slotCount += 1
        return slotCount - 1
    }

    mutating func fail(_ code: RegoError.Code, _ message: String, _ location: Location) {
        errors.append(RegoError(code, message, at: location))
    }

    // MARK: Scopes

    mutating func push(_ body: [Expr], _ heads: [Term]) {
        var frame = Frame()
        for expr in body { direct(expr, &frame.direct) }
        for head in heads { direct(head, &frame.direct) }
        // What is declared here is another variable than one of that name in a closure before.
        for expr in body { frame.direct.subtract(declared(by: expr)) }
        frames.append(frame)
    }

    /// Leaves a body; gives the slots that are its own.
    @discardableResult
    mutating func pop() -> Set<Int> {
        let own = frames.removeLast().slots
        if !frames.isEmpty { frames[frames.count - 1].slots.formUnion(own) }
        return own
    }

    /// Names in strings that are put together belong to the innermost body, when nothing around it has them.
    mutating func adopt(_ term: Term) {
        guard case .template(let parts) = term.kind else { return }
        for case .term(let inner, _) in parts {
            var names: Set<String> = []
            direct(inner, &names)
            frames[frames.count - 1].direct.formUnion(names.filter { scope.global($0) == nil })
        }
    }

    /// Gives a name its slot: `place`, or one of its own.
    mutating func declare(_ name: String, _ location: Location, in place: Int? = nil) -> Int {
        let slot = place ?? fresh(name)
        names[slot] = name
        let last = frames.count - 1
        if frames[last].declared[name] != nil, !name.hasPrefix("$") {
            fail(.compile, "var \(name) assigned above", location)
        } else if frames[last].used.contains(name) {
            fail(.compile, "var \(name) referenced above", location)
        }
        frames[last].declared[name] = slot
        frames[last].slots.insert(slot)
        return slot
    }

    /// The slot of a local, or nil when the name is a global's.
    private mutating func local(_ name: String) -> Int? {
        for index in frames.indices.reversed() {
            if let slot = frames[index].declared[name] { return slot }
            if let slot = frames[index].implicit[name] { return slot }
        }
        let last = frames.count - 1
        if name == "input" || name == "data" || scope.global(name) != nil {
            frames[last].used.insert(name)
            return nil
        }
        // It belongs to the outermost body where it stands outside of closures.
        let owner = frames.firstIndex { $0.direct.contains(name) } ?? last
        let slot = fresh(name)
        frames[owner].implicit[name] = slot
        frames[owner].slots.insert(slot)
        frames[owner].used.insert(name)
        return slot
    }

    private func declared(by expr: Expr) -> [String] {
        switch expr.kind {
        case .some(let terms): return declarations(terms).map(\.0)
        case .someIn(let key, let value, _): return declarations([key, value].compactMap { $0 }).map(\.0)
        case .term(let term):
            guard case .call(let function, let arguments) = term.kind, function.variableName == "assign",
                let pattern = arguments.first
            else { return [] }
            return declarations([pattern]).map(\.0)
        case .every: return []
        }
    }

    /// Names that occur in an expression, closures left out.
    private func direct(_ expr: Expr, _ names: inout Set<String>) {
        switch expr.kind {
        case .term(let term):
            if case .call(let function, let arguments) = term.kind, function.variableName == "assign",
                arguments.count == 2
            {
                direct(arguments[1], &names)
            } else {
                direct(term, &names)
            }
        case .some: break
        case .someIn(_, _, let collection): direct(collection, &names)
        case .every(_, _, let domain, _): direct(domain, &names)
        }
        for with in expr.with { direct(with.value, &names) }
    }

    private func direct(_ term: Term, _ names: inout Set<String>) {
        switch term.kind {
        case .variable(let name): names.insert(name)
        case .ref(let head, let keys):
            direct(head, &names)
            for key in keys { direct(key, &names) }
        case .array(let terms), .set(let terms): for term in terms { direct(term, &names) }
        case .object(let members):
            for member in members {
                direct(member.key, &names)
                direct(member.value, &names)
            }
        case .call(_, let arguments): for argument in arguments { direct(argument, &names) }
        default: break
        }
    }

    /// A slot of the innermost body that no name leads to.
    private mutating func anonymous() -> Int {
        let slot = fresh("$")
        frames[frames.count - 1].slots.insert(slot)
        return slot
    }

    /// Whether a slot is the innermost body's own, not a closure's.
    func isInBody(_ slot: Int) -> Bool {
        guard let frame = frames.last else { return false }
        return frame.declared.values.contains(slot) || frame.implicit.values.contains(slot)
    }

    // MARK: Bodies

    mutating func body(_ exprs: [Expr]) -> [ResolvedExpr] { exprs.flatMap { expr($0) } }

    private mutating func expr(_ expr: Expr) -> [ResolvedExpr] {
        let with = expr.with.compactMap { self.with($0) }
        func made(_ kind: ResolvedExpr.Kind) -> ResolvedExpr {
            ResolvedExpr(
                kind: kind, isNegated: expr.isNegated, with: with, location: expr.location,
                keepsInside: scope.keepsNotInside)
        }
        switch expr.kind {
        case .some(let terms):
            for term in terms { if let name = term.variableName { _ = declare(name, term.location) } }
            return []
        case .someIn(let key, let value, let collection):
            let resolved = term(collection)
            for name in declarations([key, value].compactMap { $0 }) { _ = declare(name.0, name.1) }
            let place = key.map { term($0) } ?? .local(anonymous())
            return [made(.unify(.ref(resolved, [place]), term(value)))]
        case .every(let key, let value, let domain, let body):
            let resolved = term(domain)
            push(body, [])
            let keySlot = key.flatMap { key in key.variableName.map { declare($0, key.location) } }
            let valueSlot = value.variableName.map { declare($0, value.location) } ?? anonymous()
            let inner = self.body(body)
            let own = pop()
            return [
                made(
                    .every(ResolvedExpr.Every(key: keySlot, value: valueSlot, domain: resolved, body: inner, own: own)))
            ]
        case .term(let written):
            guard case .call(let function, let arguments) = written.kind, arguments.count == 2,
                let name = function.variableName
            else { return [made(.term(term(written)))] }
            switch name {
            case "eq", "equal": return [made(.unify(term(arguments[0]), term(arguments[1])))]
            case "assign":
                let value = term(arguments[1])
                for name in declarations([arguments[0]]) { _ = declare(name.0, name.1) }
                if !isAssignable(arguments[0]) {
                    fail(.compile, "cannot assign to \(Resolver.describe(arguments[0]))", expr.location)
                }
                return [made(.unify(term(arguments[0]), value))]
            default: return [made(.term(term(written)))]
            }
        }
    }

    private static func describe(_ term: Term) -> String {
        switch term.kind {
        case .ref: "ref"
        case .call: "call"
        case .set: "set"
        case .variable: "var"
        case .arrayComprehension: "arraycomprehension"
        case .setComprehension: "setcomprehension"
        case .objectComprehension: "objectcomprehension"
        case .template: "template string"
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private func isAssignable(_ term: Term) -> Bool {
        switch term.kind {
        case .variable, .array, .object: true
        default: false
        }
    }

    /// The variables that a pattern declares.
    private func declarations(_ terms: [Term]) -> [(String, Location)] {
        terms.flatMap { term -> [(String, Location)] in
            switch term.kind {
            case .variable(let name): [(name, term.location)]
            case .array(let terms): declarations(terms)
            case .object(let members): declarations(members.map(\.value))
            default: []
            }
        }
    }

    // MARK: Terms

    mutating func term(_ term: Term) -> ResolvedTerm {
        switch term.kind {
        case .null: return .constant(.null)
        case .bool(let bool): return .constant(.bool(bool))
        case .number(let text): return .constant(Value(numberText: text))
        case .string(let text): return .constant(.string(text))
        case .variable(let name): return variable(name, [])
        case .ref(let head, let keys): return reference(head, keys)
        case .array(let terms): return folded(.array(terms.map { self.term($0) }))
        case .set(let terms): return folded(.set(terms.map { self.term($0) }))
        case .object(let members):
            return folded(.object(members.map { (self.term($0.key), self.term($0.value)) }))
        case .arrayComprehension(let value, let body): return closure(.array, nil, value, body)
        case .setComprehension(let value, let body): return closure(.set, nil, value, body)
        case .objectComprehension(let key, let value, let body): return closure(.object, key, value, body)
        case .call(let function, let arguments): return call(function, arguments, term.location)
        case .template(let parts):
            // Each part is a closure of its own: where it has no value, the text says so.
            return .template(
                parts.map { part in
                    switch part {
                    case .text(let text): .text(text)
                    case .term(let inner, let with): .term(piece(inner, with))
                    }
                }, term.location)
        }
    }

    /// A closure that collects every value of an expression.
    private mutating func piece(_ inner: Term, _ with: [Expr.With]) -> ResolvedTerm.Comprehension {
        push([], [inner])
        let value = anonymous()
        let body = ResolvedExpr(
            kind: .unify(.local(value), term(inner)), with: with.compactMap { self.with($0) }, location: inner.location)
        let own = pop()
        return ResolvedTerm.Comprehension(kind: .set, key: nil, value: .local(value), body: [body], own: own)
    }

    private mutating func variable(_ name: String, _ keys: [ResolvedTerm]) -> ResolvedTerm {
        if let slot = local(name) { return keys.isEmpty ? .local(slot) : .ref(.local(slot), keys) }
        let path = scope.global(name) ?? [name]
        let fixed = path.dropFirst().map { ResolvedTerm.constant(.string($0)) }
        let head: ResolvedTerm = path[0] == "input" ? .input : .data
        if fixed.isEmpty, keys.isEmpty { return .ref(head, []) }
        return .ref(head, fixed + keys)
    }

    private mutating func reference(_ head: Term, _ keys: [Term]) -> ResolvedTerm {
        if let name = head.variableName {
            let keys = keys.map { term($0) }
            return variable(name, keys)
        }
        let base = term(head)
        return .ref(base, keys.map { term($0) })
    }

    private mutating func closure(
        _ kind: ResolvedTerm.Comprehension.Kind, _ key: Term?, _ value: Term, _ body: [Expr]
    ) -> ResolvedTerm {
        push(body, [key, value].compactMap { $0 })
        let inner = self.body(body)
        let (key, value) = (key.map { term($0) }, term(value))
        let own = pop()
        return .comprehension(
            ResolvedTerm.Comprehension(kind: kind, key: key, value: value, body: inner, own: own))
    }

    private mutating func call(_ function: Term, _ arguments: [Term], _ location: Location) -> ResolvedTerm {
        if arguments.isEmpty, function.variableName == "set" { return .constant(.emptySet) }
        let arguments = arguments.map { term($0) }
        if arguments.isEmpty, let rule = self.rule(function) { return rule }
        guard let name = self.function(function) else {
            let path = function.dottedPath?.joined(separator: ".") ?? "?"
            fail(.type, "undefined function \(path)", location)
            return .constant(.null)
        }
        if case .builtin(let builtin) = name,
            builtin.name == "rego.metadata.chain" || builtin.name == "rego.metadata.rule"
        {
            if builtin.name == "rego.metadata.chain" { return .constant(.array(metadata)) }
            return .constant(metadata.first.flatMap { $0.members?["annotations"] } ?? .emptyObject)
        }
        return .call(name, arguments, location)
    }

    /// A rule that is written like a call without arguments.
    private mutating func rule(_ term: Term) -> ResolvedTerm? {
        guard let path = term.dottedPath, let global = path[0] == "data" ? ["data"] : scope.global(path[0]),
            global[0] == "data"
        else { return nil }
        let full = Array(global.dropFirst()) + path.dropFirst()
        guard let first = root.find(full)?.rules.first, !first.isFunction else { return nil }
        return .ref(.data, full.map { .constant(.string($0)) })
    }

    /// What a call names: a rule of the package or of `data`, or a function that is built in.
    private mutating func function(_ term: Term) -> ResolvedTerm.FunctionName? {
        guard let path = term.dottedPath else { return nil }
        let global = scope.global(path[0])
        if let global, global[0] == "data" {
            let full = Array(global.dropFirst()) + path.dropFirst()
            if root.find(full)?.rules.first?.isFunction == true { return .rule(full) }
        }
        if path[0] == "data" {
            let full = Array(path.dropFirst())
            return root.find(full)?.rules.first?.isFunction == true ? .rule(full) : nil
        }
        return builtins[path.joined(separator: ".")].map { .builtin($0) }
    }

    // MARK: with

    private mutating func with(_ with: Expr.With) -> (target: ResolvedExpr.Target, value: ResolvedExpr.Replacement)? {
        guard let written = with.target.dottedPath else {
            fail(.type, "with keyword target must reference existing input, data, or a function", with.target.location)
            return nil
        }
        var path = written
        if path[0] != "input", path[0] != "data", let global = scope.global(path[0]) {
            path = global + path.dropFirst()
        }
        if let function = function(with.target) {
            if let replacement = replacingFunction(with.value) { return (.function(function), .function(replacement)) }
            return (.function(function), .value(term(with.value)))
        }
        let value = term(with.value)
        if path[0] == "input" { return (.input(Array(path.dropFirst())), .value(value)) }
        if path[0] == "data" {
            let rest = Array(path.dropFirst())
            var node = root
            for (index, key) in rest.enumerated() {
                if !node.rules.isEmpty, index > 0 {
                    fail(.compile, "with keyword cannot partially replace virtual document(s)", with.target.location)
                    break
                }
                guard let next = node.child(key) else { break }
                node = next
            }
            return (.data(rest), .value(value))
        }
        fail(.type, "with keyword target must reference existing input, data, or a function", with.target.location)
        return nil
    }

    private mutating func replacingFunction(_ term: Term) -> ResolvedTerm.FunctionName? {
        switch term.kind {
        case .variable(let name):
            for frame in frames.reversed() where frame.declared[name] != nil { return nil }
            return function(term)
        case .ref: return function(term)
        default: return nil
        }
    }

    /// Constants inside constants are one constant.
    private func folded(_ term: ResolvedTerm) -> ResolvedTerm {
        func values(_ terms: [ResolvedTerm]) -> [Value]? {
            var found: [Value] = []
            for term in terms {
                guard case .constant(let value) = term else { return nil }
                found.append(value)
            }
            return found
        }
        switch term {
        case .array(let terms): return values(terms).map { .constant(.array($0)) } ?? term
        case .set(let terms): return values(terms).map { .constant(.set(SetValue($0))) } ?? term
        case .object(let members):
            guard let keys = values(members.map(\.key)), let values = values(members.map(\.value)) else { return term }
            let object = ObjectValue(Array(zip(keys, values)))
            return object.count == keys.count ? .constant(.object(object)) : term
        default: return term
        }
    }
}
