// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// `size(a)` and `a.size()`
final class SizeStep: CELStep, @unchecked Sendable {
    private let target: CELStep
    private let call: CallStep

    init(_ target: CELStep, _ call: CallStep) { (self.target, self.call) = (target, call) }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let value = try target.evaluate(run)
        let count: Int
        switch value {
        case .list(let elements): count = elements.count
        case .map(let map): count = map.count
        case .node(let node) where node.isArray || node.isObject: count = node.count
        default: return try call.apply([value], run)
        }
        try run.pay(1)
        return .int(count)
    }
}

/// `a + b`: to a list without elements nothing need be added.
final class AddStep: CELStep, @unchecked Sendable {
    private let one: CELStep
    private let two: CELStep
    private let call: CallStep

    init(_ one: CELStep, _ two: CELStep, _ call: CallStep) { (self.one, self.two, self.call) = (one, two, call) }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let (one, two) = (try one.evaluate(run), try two.evaluate(run))
        guard let first = AddStep.count(one), let second = AddStep.count(two) else {
            return try call.apply([one, two], run)
        }
        try run.pay(1)
        try run.spend((first &+ second) &* 16)
        if first == 0 { return two }
        if second == 0 { return one }
        var all: [CELValue] = []
        all.reserveCapacity(first &+ second)
        AddStep.add(one, to: &all)
        AddStep.add(two, to: &all)
        return .list(all)
    }

    /// How many elements a list has; nil for what is none.
    private static func count(_ value: CELValue) -> Int? {
        switch value {
        case .list(let elements): elements.count
        case .node(let node) where node.isArray: node.count
        default: nil
        }
    }

    private static func add(_ value: CELValue, to all: inout [CELValue]) {
        switch value {
        case .list(let elements): all += elements
        case .node(let node): for element in node.elements { all.append(.node(element)) }
        default: break
        }
    }
}

/// `a < b` and its like.
final class OrderStep: TestStep, @unchecked Sendable {
    enum Order: String {
        case less = "_<_", atMost = "_<=_", more = "_>_", atLeast = "_>=_"

        func holds(_ one: Int, _ two: Int) -> Bool {
            switch self {
            case .less: one < two
            case .atMost: one <= two
            case .more: one > two
            case .atLeast: one >= two
            }
        }
    }

    private let order: Order
    private let one: CELStep
    private let two: CELStep
    private let call: CallStep

    init(_ order: Order, _ one: CELStep, _ two: CELStep, _ call: CallStep) {
        (self.order, self.one, self.two, self.call) = (order, one, two, call)
    }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        let (one, two) = (try one.evaluate(run), try two.evaluate(run))
        if case .int(let a) = one, case .int(let b) = two {
            try run.pay(1)
            return order.holds(a, b)
        }
        return try call.apply([one, two], run).bool ?? false
    }
}
