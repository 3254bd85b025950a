// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Runs lines with other documents or functions in place; what follows them sees the old ones again.
final class WithStep: Step {
    enum Change {
        case input([String], Operand)
        case data([String], Operand)
        case function(String, Operand)
        case target(String, FunctionTarget)
    }

    let changes: [Change]
    /// Ends in a `WithoutStep` of the same scope.
    let body: Step

    init(_ changes: [Change], _ body: Step) { (self.changes, self.body) = (changes, body) }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        let outer = machine.world
        var inner = outer
        inner.cache = Places(repeating: .unknown, count: outer.cache.count)
        inner.memos = Places(repeating: .unknown, count: outer.memos.count)
        inner.calls = CallTable()
        for change in changes {
            switch change {
            case .input(let path, let operand):
                inner.input = PlainDocuments.put(operand.value(machine), at: path[...], in: inner.input)
            case .data(let path, let operand):
                inner.data = PlainDocuments.put(operand.value(machine), at: path[...], in: inner.data)
                inner.overridden.append(path)
            case .function(let name, let operand): inner.mocks[name] = .value(operand.value(machine))
            case .target(let name, let target): inner.mocks[name] = .function(target)
            }
        }
        machine.outerWorlds.append(outer)
        machine.world = inner
        defer {
            machine.world = machine.outerWorlds.removeLast()
        }
        return try body.run(machine)
    }
}

/// Leaves the scope of a `WithStep` for what follows.
final class WithoutStep: Step {
    let next: Step

    init(_ next: Step) { self.next = next }

    override func run(_ machine: Machine) throws -> Bool {
        guard let outer = machine.outerWorlds.popLast() else { return try next.run(machine) }
        let inner = machine.world
        machine.world = outer
        let goesOn: Bool
        do { goesOn = try next.run(machine) } catch {
            machine.outerWorlds.append(machine.world)
            machine.world = inner
            throw error
        }
        // What was learned outside meanwhile is kept.
        machine.outerWorlds.append(machine.world)
        machine.world = inner
        return goesOn
    }
}

extension Machine {
    /// What `with` changes.
    struct World {
        var input: Value?
        var data: Value
        var cache: Places<Answer>
        var memos: Places<Memo>
        var calls: CallTable
        var overridden: [[String]]
        var mocks: [String: Mock]
    }

    var world: World {
        get {
            World(
                input: input, data: data, cache: cache, memos: memos, calls: calls, overridden: overridden, mocks: mocks
            )
        }
        set {
            input = newValue.input
            data = newValue.data
            cache = newValue.cache
            memos = newValue.memos
            calls = newValue.calls
            overridden = newValue.overridden
            mocks = newValue.mocks
        }
    }
}
