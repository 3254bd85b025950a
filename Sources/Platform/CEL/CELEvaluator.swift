// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Evaluates one expression once. Used by one thread.
final class CELEvaluator {
    private let program: CELProgram
    private let variables: (String) throws(CELError) -> CELValue?
    private var locals: [CELValue?]
    /// Parts of `cel.block` that nobody has asked for yet.
    private var pending: [Int: CELExpression] = [:]
    private var stepsLeft: Int
    private let steps: Int
    private var bytesLeft = 64 << 20

    init(_ program: CELProgram, steps: Int, variables: @escaping (String) throws(CELError) -> CELValue?) {
        self.program = program
        self.variables = variables
        self.steps = steps
        stepsLeft = steps
        locals = Array(repeating: nil, count: program.slotCount)
    }

    static func error(_ message: String) -> CELError { CELError(.evaluation, message) }

    private func tick() throws(CELError) {
        stepsLeft -= 1
        if stepsLeft < 0 { throw CELError(.limit, "more than \(steps) steps") }
    }

    /// Takes what a function makes from the evaluation's memory.
    func spend(_ bytes: Int) throws(CELError) {
        bytesLeft -= bytes
        if bytesLeft < 0 { throw CELError(.limit, "the evaluation uses more than 64 MiB") }
    }

    func evaluate(_ expression: CELExpression) throws(CELError) -> CELValue {
        try tick()
        switch expression {
        case .literal(let value): return value
        case .local(let slot): return try local(slot)
        case .identifier(let name, let isAbsolute): return try identifier(name, isAbsolute)
        case .select(let target, let field, let isOptional):
            if !isOptional, let name = expression.qualifiedName, let value = try variable(name) { return value }
            if !isOptional, let type = expression.qualifiedName.flatMap({ CELProgram.typeName($0, program.container) })
            {
                return .type(type)
            }
            return try select(try evaluate(target), field, isOptional: isOptional)
        case .present(let target, let field):
            if let name = target.qualifiedName, try variable("\(name).\(field)") != nil { return .bool(true) }
            switch try evaluate(target).resolved {
            case .map(let map): return .bool(map[.string(field)] != nil)
            case .optional(let inner):
                guard case .map(let map)? = inner?.resolved else { return .bool(false) }
                return .bool(map[.string(field)] != nil)
            case let other: throw Self.error("no such field: \(field) in \(other.typeName)")
            }
        case .index(let target, let index, let isOptional):
            return try self.index(try evaluate(target), try evaluate(index), isOptional: isOptional)
        case .list(let elements): return try list(elements)
        case .map(let entries): return try map(entries)
        case .message(let name, let fields): return try message(name, fields)
        case .call(let name, let target, let arguments): return try call(name, target, arguments)
        case .and(let one, let two): return try logical(one, two, stopsAt: false)
        case .or(let one, let two): return try logical(one, two, stopsAt: true)
        case .conditional(let condition, let yes, let no):
            guard case .bool(let holds) = try evaluate(condition).resolved else {
                throw Self.error("no such overload: ?:")
            }
            return try evaluate(holds ? yes : no)
        case .comprehension(let comprehension): return try fold(comprehension)
        case .bind(let slot, let value, let body):
            locals[slot] = try evaluate(value)
            return try evaluate(body)
        case .block(let slots, let parts, let body):
            for (slot, part) in zip(slots, parts) { pending[slot] = part }
            return try evaluate(body)
        }
    }

    private func local(_ slot: Int) throws(CELError) -> CELValue {
        if let value = locals[slot] { return value }
        guard let part = pending[slot] else { throw Self.error("a variable has no value") }
        let value = try evaluate(part)
        locals[slot] = value
        return value
    }

    // MARK: Names

    private func identifier(_ name: String, _ isAbsolute: Bool) throws(CELError) -> CELValue {
        if let value = try variable((isAbsolute ? "." : "") + name) { return value }
        if let type = CELProgram.typeName(name, program.container) { return .type(type) }
        throw Self.error("undeclared reference to '\(name)'")
    }

    /// A variable by its name as the container may extend it, the longest first.
    private func variable(_ name: String) throws(CELError) -> CELValue? {
        if name.hasPrefix(".") { return try variables(String(name.dropFirst())) }
        for candidate in CELProgram.candidates(name, program.container) {
            if let value = try variables(candidate) { return value }
        }
        return nil
    }

    // MARK: Parts

    private func select(_ target: CELValue, _ field: String, isOptional: Bool) throws(CELError) -> CELValue {
        switch target {
        case .node(let node) where node.isObject:
            let member = node[dynamic: field]
            if isOptional { return .optional(member.map { .node($0) }) }
            guard let member else { throw Self.error("no such key: \(field)") }
            return .node(member)
        default: break
        }
        switch target.resolved {
        case .map(let map):
            let value = map[.string(field)]
            if isOptional { return .optional(value) }
            guard let value else { throw Self.error("no such key: \(field)") }
            return value
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            let found = try select(inner, field, isOptional: true)
            return found
        case let other: throw Self.error("no such field: \(field) in \(other.typeName)")
        }
    }

    private func index(_ target: CELValue, _ index: CELValue, isOptional: Bool) throws(CELError) -> CELValue {
        switch target.resolved {
        case .list(let elements):
            let place: Int? =
                switch index.resolved {
                case .int(let int): int
                case .uint(let uint): Int(exactly: uint) ?? -1
                case .double(let double): Int(exactly: double)
                default: nil
                }
            guard let place else { throw Self.error("no such overload: list[\(index.typeName)]") }
            guard place >= 0, place < elements.count else {
                if isOptional { return .optional(nil) }
                throw Self.error("index out of bounds: \(place)")
            }
            return isOptional ? .optional(elements[place]) : elements[place]
        case .map(let map):
            let value = map[index]
            if isOptional { return .optional(value) }
            guard let value else {
                switch index.resolved {
                case .bool, .int, .uint, .string: throw Self.error("no such key: \(CELText.plain(index))")
                default: throw Self.error("no such key: unsupported key type \(index.typeName)")
                }
            }
            return value
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            return try self.index(inner, index, isOptional: true)
        case let other: throw Self.error("no such overload: \(other.typeName)[]")
        }
    }

    private func list(_ elements: [(value: CELExpression, isOptional: Bool)]) throws(CELError) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for (element, isOptional) in elements {
            let value = try evaluate(element)
            if isOptional {
                guard case .optional(let inner) = value else {
                    throw Self.error("an optional element is no optional value")
                }
                if let inner { values.append(inner) }
            } else {
                values.append(value)
            }
        }
        return .list(values)
    }

    private func map(
        _ entries: [(key: CELExpression, value: CELExpression, isOptional: Bool)]
    ) throws(CELError) -> CELValue {
        var found: [(CELValue, CELValue)] = []
        for (key, value, isOptional) in entries {
            let key = try evaluate(key).resolved
            switch key {
            case .bool, .int, .uint, .string: break
            default: throw Self.error("unsupported key type: \(key.typeName)")
            }
            if found.contains(where: { CELValue.equal($0.0, key) }) {
                throw Self.error("Failed with repeated key: \(CELText.plain(key))")
            }
            let value = try evaluate(value)
            if isOptional {
                guard case .optional(let inner) = value else {
                    throw Self.error("an optional entry is no optional value")
                }
                if let inner { found.append((key, inner)) }
            } else {
                found.append((key, value))
            }
        }
        return .map(CELMap(found))
    }

    /// Messages are not known but for those that stand for values of the language.
    private func message(
        _ name: String, _ fields: [(name: String, value: CELExpression, isOptional: Bool)]
    ) throws(CELError) -> CELValue {
        let short = name.hasPrefix(".") ? String(name.dropFirst()) : name
        var values: [String: CELValue] = [:]
        for field in fields { values[field.name] = try evaluate(field.value) }
        for candidate in CELProgram.candidates(short, program.container) {
            if let value = try CELWrappers.value(candidate, values) { return value }
        }
        throw Self.error("unknown type: \(short)")
    }

    // MARK: Logic

    /// `&&` and `||`: an error counts only where the other side does not decide.
    private func logical(
        _ one: CELExpression, _ two: CELExpression, stopsAt stop: Bool
    ) throws(CELError) -> CELValue {
        var failure: CELError?
        for side in [one, two] {
            do throws(CELError) {
                guard case .bool(let value) = try evaluate(side).resolved else {
                    throw Self.error("no such overload: \(stop ? "||" : "&&")")
                }
                if value == stop { return .bool(stop) }
            } catch {
                if error.code == .limit { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .bool(!stop)
    }

    private func call(
        _ name: String, _ target: CELExpression?, _ arguments: [CELExpression]
    ) throws(CELError) -> CELValue {
        // A function may stand in a namespace: `math.greatest(…)`.
        if let target {
            if let qualifier = target.qualifiedName, CELFunctions.isKnown("\(qualifier).\(name)"),
                try variable(qualifier) == nil
            {
                return try CELFunctions.call("\(qualifier).\(name)", try values(arguments), self)
            }
            if name == "or" || name == "orValue", case .optional(let inner) = try evaluate(target), arguments.count == 1
            {
                if let inner { return name == "or" ? .optional(inner) : inner }
                let other = try evaluate(arguments[0])
                if name == "or", case .optional = other {
                } else if name == "or" {
                    throw Self.error("no such overload: or")
                }
                return other
            }
            var values = [try evaluate(target)]
            values += try self.values(arguments)
            return try CELFunctions.call(method: name, values, self)
        }
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        return try CELFunctions.call(plain, try values(arguments), self)
    }

    private func values(_ arguments: [CELExpression]) throws(CELError) -> [CELValue] {
        var values: [CELValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(try evaluate(argument)) }
        return values
    }

    // MARK: Macros

    private func fold(_ comprehension: CELComprehension) throws(CELError) -> CELValue {
        let range = try evaluate(comprehension.range).resolved
        var entries: [(CELValue, CELValue)] = []
        switch range {
        case .list(let elements):
            for (index, element) in elements.enumerated() { entries.append((.int(index), element)) }
        case .map(let map):
            for entry in map.entries {
                entries.append((entry.key, comprehension.keySlot == nil ? entry.key : entry.value))
            }
        default: throw Self.error("no such overload: a macro over \(range.typeName)")
        }
        var kept: [(CELValue, CELValue)] = []
        var failure: CELError?
        var count = 0
        for (key, value) in entries {
            try tick()
            if let slot = comprehension.keySlot { locals[slot] = key }
            locals[comprehension.valueSlot] = value
            var holds = true
            if let condition = comprehension.condition {
                do throws(CELError) {
                    guard case .bool(let bool) = try evaluate(condition).resolved else {
                        throw Self.error("no such overload: a condition must be bool")
                    }
                    holds = bool
                } catch {
                    // Errors wait for an element that decides without them.
                    guard comprehension.kind == .all || comprehension.kind == .exists, error.code != .limit else {
                        throw error
                    }
                    failure = failure ?? error
                    continue
                }
            }
            switch comprehension.kind {
            case .all: if !holds { return .bool(false) }
            case .exists: if holds { return .bool(true) }
            case .existsOne: count += holds ? 1 : 0
            case .filter: if holds { kept.append((key, value)) }
            case .map, .transformList, .transformMap, .transformEntry, .sortBy:
                guard holds, let body = comprehension.body else { continue }
                let result = try evaluate(body)
                try spend(32)
                if comprehension.kind == .transformEntry {
                    guard case .map(let map) = result.resolved else {
                        throw Self.error("transformMapEntry() needs a map")
                    }
                    for entry in map.entries {
                        if kept.contains(where: { CELValue.equal($0.0, entry.key) }) {
                            throw Self.error("insert failed: key \(CELText.plain(entry.key)) already exists")
                        }
                        kept.append((entry.key, entry.value))
                    }
                } else {
                    kept.append((comprehension.kind == .sortBy ? value : key, result))
                }
            }
        }
        if let failure { throw failure }
        switch comprehension.kind {
        case .all: return .bool(true)
        case .exists: return .bool(false)
        case .existsOne: return .bool(count == 1)
        case .filter:
            // Of a map with two variables entries stay a map.
            if case .map = range, comprehension.keySlot != nil { return .map(CELMap(kept)) }
            return .list(kept.map(\.1))
        case .map, .transformList: return .list(kept.map(\.1))
        case .transformMap, .transformEntry: return .map(CELMap(kept))
        case .sortBy:
            let order = try CELFunctions.sorted(kept.map(\.1))
            return .list(order.map { kept[$0].0 })
        }
    }
}
