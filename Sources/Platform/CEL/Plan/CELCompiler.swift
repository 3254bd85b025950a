// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Turns an expression into steps: names become slots, functions are found once.
struct CELCompiler {
    private let environment: CELEnvironment
    private(set) var names: [String]
    private var places: [String: Int] = [:]
    private(set) var height = 0
    /// Slots that the expression may ask for.
    private(set) var used: Set<Int> = []
    private var depth = 0

    init(_ environment: CELEnvironment) {
        self.environment = environment
        names = environment.names
        for name in names { places[name] = environment.slot(name) }
    }

    mutating func compile(_ expression: CELExpression) throws(CELError) -> CELStep {
        depth += 1
        height = max(height, depth)
        defer { depth -= 1 }
        guard depth <= CELParser.maxHeight else {
            throw CELError(.limit, "the expression has more than \(CELParser.maxHeight) levels")
        }
        switch expression.form {
        case .literal(let value): return LiteralStep(value)
        case .local(let slot): return LocalStep(slot)
        case .identifier(let name, let isAbsolute):
            let slots = slots((isAbsolute ? "." : "") + name)
            let type = CELProgram.typeName(name, environment.container).map { LiteralStep(.type($0)) }
            return slots.count == 1 && type == nil && !environment.isOpen
                ? VariableStep(slots[0], name) : NameStep(slots, name: name, otherwise: type)
        case .select(let target, let field, let isOptional):
            let slots = isOptional ? [] : expression.qualifiedName.map { self.slots($0) } ?? []
            let plain = CELCompiler.select(try compile(target), field, isOptional: isOptional)
            guard !isOptional, let name = expression.qualifiedName else { return plain }
            var otherwise: CELStep = plain
            if let type = CELProgram.typeName(name, environment.container) { otherwise = LiteralStep(.type(type)) }
            if slots.isEmpty { return otherwise }
            // A declared variable is always there.
            return slots.count == 1 && !environment.isOpen
                ? VariableStep(slots[0], name) : NameStep(slots, name: name, otherwise: otherwise)
        case .present(let target, let field):
            let slots = target.qualifiedName.map { self.slots("\($0).\(field)") } ?? []
            let inner = try compile(target)
            guard slots.isEmpty else { return PresentStep(inner, field, slots: slots) }
            if let path = inner as? PathStep { return PresentPathStep(path.base, path.fields, field) }
            let isVariable = inner is LocalStep || inner is VariableStep
            return isVariable ? PresentPathStep(inner, [], field) : PresentStep(inner, field, slots: [])
        case .index(let target, let index, let isOptional):
            return IndexStep(try compile(target), try compile(index), isOptional: isOptional)
        case .list(let elements):
            var steps: [(CELStep, Bool)] = []
            for element in elements { steps.append((try compile(element.value), element.isOptional)) }
            let constants = steps.compactMap { ($0.0 as? LiteralStep)?.value }
            if constants.count == steps.count, !steps.contains(where: \.1) { return LiteralStep(.list(constants)) }
            return ListStep(steps)
        case .map(let entries):
            var steps: [(CELStep, CELStep, Bool)] = []
            for entry in entries {
                steps.append((try compile(entry.key), try compile(entry.value), entry.isOptional))
            }
            return MapStep(steps)
        case .message(let name, let fields):
            var steps: [(String, CELStep)] = []
            for field in fields { steps.append((field.name, try compile(field.value))) }
            let short = name.hasPrefix(".") ? String(name.dropFirst()) : name
            return MessageStep(short, CELProgram.candidates(short, environment.container), steps)
        case .call(let name, let target, let arguments): return try call(name, target, arguments)
        case .and(let one, let two): return LogicStep(try compile(one), try compile(two), stopsAt: false)
        case .or(let one, let two): return LogicStep(try compile(one), try compile(two), stopsAt: true)
        case .conditional(let condition, let yes, let no):
            return ConditionalStep(try compile(condition), try compile(yes), try compile(no))
        case .comprehension(let comprehension):
            var (condition, body): (CELStep?, CELStep?)
            if let part = comprehension.condition { condition = try compile(part) }
            if let part = comprehension.body { body = try compile(part) }
            return FoldStep(
                comprehension.kind, range: try compile(comprehension.range), keySlot: comprehension.keySlot,
                valueSlot: comprehension.valueSlot, condition: condition, body: body)
        case .bind(let slot, let value, let body):
            return BindStep(slot, try compile(value), try compile(body))
        case .block(let slots, let parts, let body):
            var steps: [(Int, CELStep)] = []
            for (slot, part) in zip(slots, parts) { steps.append((slot, try compile(part))) }
            return BlockStep(steps, try compile(body))
        }
    }

    /// A field, together with the fields before it where they lead on from a variable.
    private static func select(_ target: CELStep, _ field: String, isOptional: Bool) -> CELStep {
        if isOptional { return SelectStep(target, field, isOptional: true) }
        if let path = target as? PathStep { return PathStep(path.base, path.fields + [field]) }
        if target is LocalStep || target is VariableStep { return PathStep(target, [field]) }
        return SelectStep(target, field, isOptional: false)
    }

    /// The variables that a name may mean, the longest candidate first; where undeclared names may turn up, all are.
    private mutating func slots(_ name: String) -> [Int] {
        let candidates =
            name.hasPrefix(".")
            ? [String(name.dropFirst())] : CELProgram.candidates(name, environment.container)
        if !environment.isOpen {
            let found = candidates.compactMap { places[$0] }
            used.formUnion(found)
            return found
        }
        return candidates.map { candidate in
            if let place = places[candidate] { return place }
            names.append(candidate)
            places[candidate] = names.count - 1
            return names.count - 1
        }
    }

    // MARK: Calls

    private mutating func call(
        _ name: String, _ target: CELExpression?, _ arguments: [CELExpression]
    ) throws(CELError) -> CELStep {
        var steps: [CELStep] = []
        for argument in arguments { steps.append(try compile(argument)) }
        guard let target else { return function(name.hasPrefix(".") ? String(name.dropFirst()) : name, steps) }
        // A function may stand in a namespace: `math.greatest(…)`.
        if let qualifier = target.qualifiedName, CELFunctions.isKnown("\(qualifier).\(name)") {
            let slots = slots(qualifier)
            let plain = function("\(qualifier).\(name)", steps)
            if slots.isEmpty { return plain }
            return NamespaceStep(slots, plain, method(name, try compile(target), steps))
        }
        return method(name, try compile(target), steps)
    }

    private func function(_ name: String, _ arguments: [CELStep]) -> CELStep {
        if arguments.count == 2 {
            switch name {
            case "_==_", "_!=_": return EqualStep(arguments[0], arguments[1], isNegated: name == "_!=_")
            case "_in_": return MemberStep(arguments[0], arguments[1])
            default: break
            }
        }
        if name == "!_", arguments.count == 1 { return NotStep(arguments[0]) }
        if name == "string", arguments.count == 1 { return StringStep(arguments[0]) }
        let call = CallStep(name, CELFunctions.function(name), arguments)
        if name == "_+_", arguments.count == 2 { return AddStep(arguments[0], arguments[1], call) }
        if name == "size", arguments.count == 1 { return SizeStep(arguments[0], call) }
        if let order = OrderStep.Order(rawValue: name), arguments.count == 2 {
            return OrderStep(order, arguments[0], arguments[1], call)
        }
        return call
    }

    private func method(_ name: String, _ target: CELStep, _ arguments: [CELStep]) -> CELStep {
        if name == "or" || name == "orValue", arguments.count == 1 {
            return OptionalOrStep(target, arguments[0], isValue: name == "orValue")
        }
        if arguments.count == 1, let test = TextTestStep.Test(rawValue: name) {
            return TextTestStep(test, target, arguments[0])
        }
        let call = CallStep(name, CELFunctions.method(name), [target] + arguments, isMethod: true)
        return name == "size" && arguments.isEmpty ? SizeStep(target, call) : call
    }
}
