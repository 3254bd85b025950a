// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Finds the type of an expression, and everything in it that can never work.
struct CELChecker {
    private let environment: CELEnvironment
    private let text: String
    private var mapping = CELTypeMapping()
    private var locals: [CELType]
    private var free = 0
    private var errors: [CELError] = []
    private var depth = 0

    /// Errors that one expression may have before the rest goes untold.
    static let maxErrors = 20

    /// - Throws: the first error, with the others in it.
    static func check(
        _ expression: CELExpression, _ text: String, slots: Int, in environment: CELEnvironment
    ) throws(CELError) -> CELType {
        var checker = CELChecker(environment, text, slots)
        let type = checker.check(expression)
        guard var first = checker.errors.first else { return checker.mapping.substitute(type, freeAreDyn: true) }
        first.others = Array(checker.errors.dropFirst())
        throw first
    }

    private init(_ environment: CELEnvironment, _ text: String, _ slots: Int) {
        (self.environment, self.text) = (environment, text)
        locals = Array(repeating: .dyn, count: slots)
    }

    private mutating func fail(_ offset: Int, _ message: String) -> CELType {
        if errors.count < Self.maxErrors { errors.append(CELError(.check, message, in: text, at: offset)) }
        return .unknown
    }

    private mutating func fresh() -> CELType {
        free += 1
        return .parameter("_\(free)")
    }

    private mutating func known(_ expression: CELExpression) -> CELType {
        let type = check(expression)
        return mapping.substitute(type)
    }

    private mutating func check(_ expression: CELExpression) -> CELType {
        depth += 1
        defer { depth -= 1 }
        guard depth <= CELParser.maxHeight else {
            return fail(expression.offset, "the expression has more than \(CELParser.maxHeight) levels")
        }
        switch expression.form {
        case .literal(let value): return CELChecker.type(of: value)
        case .local(let slot): return locals[slot]
        case .identifier(let name, let isAbsolute):
            if let type = named((isAbsolute ? "." : "") + name) { return type }
            if environment.isOpen { return .dyn }
            return fail(
                expression.offset, "undeclared reference to '\(name)' (in container '\(environment.container)')")
        case .select(let target, let field, let isOptional):
            if !isOptional, let name = expression.qualifiedName, let type = named(name) { return type }
            return select(target, field, isOptional: isOptional, expression.offset)
        case .present(let target, let field):
            if let name = target.qualifiedName, named("\(name).\(field)") != nil { return .bool }
            _ = select(target, field, isOptional: false, expression.offset)
            return .bool
        case .index(let target, let index, let isOptional):
            return self.index(target, index, isOptional: isOptional, expression.offset)
        case .list(let elements): return list(elements, expression.offset)
        case .map(let entries): return map(entries, expression.offset)
        case .message(let name, let fields): return message(name, fields, expression.offset)
        case .call(let name, let target, let arguments): return call(name, target, arguments, expression.offset)
        case .and(let one, let two), .or(let one, let two):
            expect(.bool, of: one)
            expect(.bool, of: two)
            return .bool
        case .conditional(let condition, let yes, let no):
            let types = [check(condition), check(yes), check(no)]
            return resolve("?:", "?_:_", types, isMethod: false, expression.offset)
        case .comprehension(let comprehension): return fold(comprehension, expression.offset)
        case .bind(let slot, let value, let body):
            locals[slot] = check(value)
            return check(body)
        case .block(let slots, let parts, let body):
            for (slot, part) in zip(slots, parts) { locals[slot] = check(part) }
            return check(body)
        }
    }

    private mutating func expect(_ type: CELType, of expression: CELExpression) {
        let found = check(expression)
        if !mapping.assign([found], to: [type]) {
            let name = mapping.substitute(found, freeAreDyn: true).name
            _ = fail(expression.offset, "expected type '\(type.name)' but found '\(name)'")
        }
    }

    static func type(of value: CELValue) -> CELType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    // MARK: Names

    private func named(_ name: String) -> CELType? {
        if name.hasPrefix(".") {
            if let slot = environment.slot(String(name.dropFirst())) { return environment.variables[slot].type }
        } else if let slot = environment.find(name) {
            return environment.variables[slot].type
        }
        guard let type = CELProgram.typeName(name, environment.container) else { return nil }
        switch type {
        case "list": return .type(.list(.dyn))
        case "map": return .type(.map(.dyn, .dyn))
        case "null_type": return .type(.null)
        case "optional_type": return .type(.optional(.dyn))
        default: return .type(CELType(type) ?? .dyn)
        }
    }

    // MARK: Parts

    private mutating func select(
        _ target: CELExpression, _ field: String, isOptional: Bool, _ offset: Int
    ) -> CELType {
        var type = known(target)
        let inner = type.unwrapped
        if let inner { type = mapping.substitute(inner) }
        let found: CELType
        switch type {
        case .dyn: found = .dyn
        case .unknown: return .unknown
        case .parameter:
            _ = mapping.assign([.dyn], to: [type])
            found = .dyn
        case .map(let key, let value):
            guard mapping.assign([.string], to: [key]) else {
                return fail(offset, "type '\(type.name)' does not support field selection")
            }
            found = value
        case .object(let name):
            guard let fields = environment.objects[name] else {
                found = .dyn
                break
            }
            guard let declared = fields[field] else { return fail(offset, "undefined field '\(field)'") }
            found = declared
        default:
            return fail(
                offset, "type '\(mapping.substitute(type, freeAreDyn: true).name)' does not support field selection")
        }
        return isOptional || inner != nil ? .optional(found) : found
    }

    private mutating func index(
        _ target: CELExpression, _ index: CELExpression, isOptional: Bool, _ offset: Int
    ) -> CELType {
        var type = known(target)
        let key = check(index)
        let inner = type.unwrapped
        if let inner { type = mapping.substitute(inner) }
        let found: CELType
        switch type {
        case .dyn: found = .dyn
        case .unknown: return .unknown
        case .parameter:
            _ = mapping.assign([.dyn], to: [type])
            found = .dyn
        case .list(let element):
            // Whole numbers of the other types are found out at evaluation only where the type is not known.
            guard mapping.assign([key], to: [.int]) else { return noOverload("_[_]", [type, key], offset) }
            found = element
        case .map(let wanted, let value):
            guard mapping.assign([key], to: [wanted]) else { return noOverload("_[_]", [type, key], offset) }
            found = value
        default: return noOverload("_[_]", [type, key], offset)
        }
        return isOptional || inner != nil ? .optional(found) : found
    }

    private mutating func joined(_ known: CELType?, _ next: CELType, _ offset: Int) -> CELType {
        guard let known else { return next }
        if let both = mapping.join(known, next) { return both }
        if !environment.isHomogeneous { return .dyn }
        let names = [known, next].map { mapping.substitute($0, freeAreDyn: true).name }
        return fail(offset, "expected type '\(names[0])' but found '\(names[1])'")
    }

    private mutating func list(_ elements: [(value: CELExpression, isOptional: Bool)], _ offset: Int) -> CELType {
        var all: CELType?
        for (element, isOptional) in elements {
            all = joined(all, part(element, isOptional), element.offset)
        }
        return .list(all ?? fresh())
    }

    /// The type of an element or entry, out of its optional where it is one.
    private mutating func part(_ expression: CELExpression, _ isOptional: Bool) -> CELType {
        let type = check(expression)
        guard isOptional else { return type }
        let known = mapping.substitute(type)
        if let inner = known.unwrapped { return inner }
        if known.isDyn || known == .unknown { return known }
        return fail(expression.offset, "expected type 'optional_type(dyn)' but found '\(known.name)'")
    }

    private mutating func map(
        _ entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)], _ offset: Int
    ) -> CELType {
        var (keys, values): (CELType?, CELType?)
        for (key, value, isOptional) in entries {
            keys = joined(keys, self.key(key), key.offset)
            values = joined(values, part(value, isOptional), value.offset)
        }
        let key = keys ?? fresh()
        return .map(key, values ?? fresh())
    }

    /// Only scalars can be keys, which also keeps the types of nested maps small.
    private mutating func key(_ expression: CELExpression) -> CELType {
        let type = known(expression)
        switch type {
        case .bool, .int, .uint, .string, .dyn, .unknown, .parameter: return type
        case .wrapper(let inner) where inner != .double && inner != .bytes: return inner
        default: return fail(expression.offset, "unsupported key type: \(type.name)")
        }
    }

    /// Messages are known only where they stand for values of the language, or where their fields are declared.
    private mutating func message(
        _ name: String, _ fields: [(name: String, value: CELExpression, isOptional: Bool)], _ offset: Int
    ) -> CELType {
        let short = name.hasPrefix(".") ? String(name.dropFirst()) : name
        let candidates = CELProgram.candidates(short, environment.container)
        if let known = candidates.first(where: { environment.objects[$0] != nil }) {
            for field in fields {
                let type = part(field.value, field.isOptional)
                guard let wanted = environment.objects[known]?[field.name] else {
                    _ = fail(field.value.offset, "undefined field '\(field.name)'")
                    continue
                }
                if !mapping.assign([type], to: [wanted]) {
                    let found = mapping.substitute(type, freeAreDyn: true).name
                    _ = fail(field.value.offset, "expected type '\(wanted.name)' but found '\(found)'")
                }
            }
            return .object(known)
        }
        for field in fields { _ = part(field.value, field.isOptional) }
        for candidate in candidates { if let type = CELWrappers.type(candidate) { return type } }
        return environment.isOpen ? .dyn : fail(offset, "undeclared reference to '\(short)'")
    }

    // MARK: Calls

    private func overloads(_ name: String) -> [CELOverload]? {
        environment.functions[name] ?? CELDeclarations.overloads(name)
    }

    private mutating func call(
        _ name: String, _ target: CELExpression?, _ arguments: [CELExpression], _ offset: Int
    ) -> CELType {
        if let target {
            // A function may stand in a namespace: `math.greatest(…)`.
            if let qualifier = target.qualifiedName, overloads("\(qualifier).\(name)") != nil,
                named(qualifier) == nil
            {
                return resolve(
                    "\(qualifier).\(name)", "\(qualifier).\(name)", arguments.map { check($0) }, isMethod: false,
                    offset)
            }
            let types = [check(target)] + arguments.map { check($0) }
            return resolve(name, name, types, isMethod: true, offset)
        }
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        let found = CELProgram.candidates(plain, environment.container).first { overloads($0) != nil } ?? plain
        return resolve(plain, found, arguments.map { check($0) }, isMethod: false, offset)
    }

    private mutating func resolve(
        _ shown: String, _ name: String, _ types: [CELType], isMethod: Bool, _ offset: Int
    ) -> CELType {
        guard let all = overloads(name) else {
            return fail(offset, "undeclared reference to '\(shown)' (in container '\(environment.container)')")
        }
        var result: CELType?
        for overload in all where overload.isMethod == isMethod {
            guard var wanted = overload.parameters(for: types.count) else { continue }
            var gives = overload.result
            if overload.hasParameters {
                var names: [String: CELType] = [:]
                wanted = wanted.map { renamed($0, &names) }
                gives = renamed(gives, &names)
            }
            guard mapping.assign(types, to: wanted) else { continue }
            let type = mapping.substitute(gives)
            if let known = result {
                if !known.isDyn, known != type { result = .dyn }
            } else {
                result = type
            }
        }
        return result ?? noOverload(shown, types, offset, isMethod: isMethod)
    }

    private mutating func noOverload(
        _ name: String, _ types: [CELType], _ offset: Int, isMethod: Bool = false
    ) -> CELType {
        let names = types.map { mapping.substitute($0, freeAreDyn: true).name }
        let arguments =
            isMethod
            ? "\(names[0]).(\(names.dropFirst().joined(separator: ", ")))" : "(\(names.joined(separator: ", ")))"
        return fail(offset, "found no matching overload for '\(name)' applied to '\(arguments)'")
    }

    /// The type with parameters of its own for each call.
    private mutating func renamed(_ type: CELType, _ names: inout [String: CELType]) -> CELType {
        switch type {
        case .parameter(let name):
            if let known = names[name] { return known }
            let new = fresh()
            names[name] = new
            return new
        case .list(let inner): return .list(renamed(inner, &names))
        case .map(let key, let value): return .map(renamed(key, &names), renamed(value, &names))
        case .type(let inner): return .type(renamed(inner, &names))
        case .opaque(let name, let types): return .opaque(name, types.map { renamed($0, &names) })
        default: return type
        }
    }

    // MARK: Macros

    private mutating func fold(_ comprehension: CELComprehension, _ offset: Int) -> CELType {
        let range = known(comprehension.range)
        var (key, value): (CELType, CELType) = (.dyn, .dyn)
        var isMap = false
        switch range {
        case .list(let element): (key, value) = (.int, element)
        case .map(let keys, let values): (key, value, isMap) = (keys, values, true)
        case .dyn: break
        case .unknown: (key, value) = (.unknown, .unknown)
        case .parameter: _ = mapping.assign([.dyn], to: [range])
        default:
            (key, value) = (.unknown, .unknown)
            _ = fail(
                comprehension.range.offset,
                "expression of type '\(range.name)' cannot be range of a comprehension (must be list, map, or dynamic)")
        }
        if let slot = comprehension.keySlot {
            locals[slot] = key
            locals[comprehension.valueSlot] = value
        } else {
            locals[comprehension.valueSlot] = isMap ? key : value
        }
        if let condition = comprehension.condition { expect(.bool, of: condition) }
        let body = comprehension.body.map { check($0) }
        switch comprehension.kind {
        case .all, .exists, .existsOne: return .bool
        case .filter:
            if comprehension.keySlot != nil, isMap { return .map(key, value) }
            return range.isDyn && comprehension.keySlot != nil ? .dyn : .list(locals[comprehension.valueSlot])
        case .map, .transformList: return .list(body ?? .dyn)
        case .transformMap: return .map(range.isDyn ? .dyn : key, body ?? .dyn)
        case .transformEntry:
            guard let body else { return .map(.dyn, .dyn) }
            let type = mapping.substitute(body)
            switch type {
            case .map, .dyn, .unknown: return type
            default:
                return fail(comprehension.body?.offset ?? offset, "expected type 'map' but found '\(type.name)'")
            }
        case .sortBy: return .list(locals[comprehension.valueSlot])
        }
    }
}
