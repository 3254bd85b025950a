// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A macro over a list or a map.
final class FoldStep: CELStep, @unchecked Sendable {
    private let kind: CELComprehension.Kind
    private let range: CELStep
    private let keySlot: Int?
    private let valueSlot: Int
    private let condition: CELStep?
    private let body: CELStep?

    init(
        _ kind: CELComprehension.Kind, range: CELStep, keySlot: Int?, valueSlot: Int, condition: CELStep?,
        body: CELStep?
    ) {
        (self.kind, self.range, self.keySlot, self.valueSlot, self.condition, self.body) =
            (kind, range, keySlot, valueSlot, condition, body)
    }

    /// What has come together so far.
    private struct Outcome {
        var kept: [CELValue] = []
        var keys: [CELValue] = []
        var failure: CELError?
        var count = 0
        var isMap = false
        /// Decided before the end: what `all` and `exists` give.
        var decision: Bool?
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let range = try range.evaluate(run)
        switch kind {
        case .all, .exists: if let decided = try decided(range, run) { return .bool(decided) }
        case .filter: if let kept = try filtered(range, run) { return kept }
        default: break
        }
        return try folded(range, run)
    }

    private func folded(_ range: CELValue, _ run: CELEvaluator) throws(CELError) -> CELValue {
        var outcome = Outcome()
        switch range {
        case .list(let elements):
            outcome.kept.reserveCapacity(elements.count)
            for index in elements.indices {
                try step(run, &outcome, .int(index), elements[index])
                if outcome.decision != nil { break }
            }
        case .node(let node) where node.isArray:
            outcome.kept.reserveCapacity(node.count)
            var index = 0
            for element in node.elements {
                try step(run, &outcome, .int(index), .node(element))
                if outcome.decision != nil { break }
                index += 1
            }
        case .node(let node) where node.isObject:
            outcome.isMap = true
            for member in node.members {
                let key = CELValue.string(member.key.string)
                try step(run, &outcome, key, keySlot == nil ? key : .node(member.value))
                if outcome.decision != nil { break }
            }
        case .map(let map):
            outcome.isMap = true
            for entry in map.entries {
                try step(run, &outcome, entry.key, keySlot == nil ? entry.key : entry.value)
                if outcome.decision != nil { break }
            }
        default: throw CELEvaluator.error("no such overload: a macro over \(range.typeName)")
        }
        try run.pay(kind == .existsOne ? 2 : 1)
        if let decision = outcome.decision { return .bool(decision) }
        if let failure = outcome.failure { throw failure }
        return try result(outcome)
    }

    // MARK: Lists

    /// Calls with the elements of a list until one is enough; false where it is no list.
    @inline(__always)
    private func each(
        _ range: CELValue, _ run: CELEvaluator, _ body: (CELValue) throws(CELError) -> Bool
    ) throws(CELError) -> Bool {
        var index = 0
        switch range {
        case .list(let elements):
            for element in elements {
                if let keySlot { run.setLocal(keySlot, .int(index)) }
                run.setLocal(valueSlot, element)
                if try !body(element) { break }
                index &+= 1
            }
        case .node(let node) where node.isArray:
            for element in node.elements {
                let element = CELValue.node(element)
                if let keySlot { run.setLocal(keySlot, .int(index)) }
                run.setLocal(valueSlot, element)
                if try !body(element) { break }
                index &+= 1
            }
        default: return false
        }
        return true
    }

    /// What `all` and `exists` give for a list; nil for what is none.
    private func decided(_ range: CELValue, _ run: CELEvaluator) throws(CELError) -> Bool? {
        guard let condition else { return nil }
        let stop = kind == .exists
        var failure: CELError?
        var isDecided = false
        let isList = try each(range, run) { _ throws(CELError) in
            try run.pay(stop ? 4 : 3)
            do throws(CELError) {
                isDecided = try condition.holds(run, "a condition must be bool") == stop
            } catch {
                // Errors wait for an element that decides without them.
                guard error.code != .limit else { throw error }
                if failure == nil { failure = error }
            }
            return !isDecided
        }
        guard isList else { return nil }
        try run.pay(1)
        if isDecided { return stop }
        if let failure { throw failure }
        return !stop
    }

    /// What `filter` gives for a list; nil for what is none.
    private func filtered(_ range: CELValue, _ run: CELEvaluator) throws(CELError) -> CELValue? {
        guard let condition else { return nil }
        var kept: [CELValue] = []
        let isList = try each(range, run) { element throws(CELError) in
            try run.pay(1)
            if try condition.holds(run, "a condition must be bool") {
                try run.pay(12)
                if kept.isEmpty { kept.reserveCapacity(4) }
                kept.append(element)
            }
            return true
        }
        guard isList else { return nil }
        try run.pay(1)
        return .list(kept)
    }

    private func result(_ outcome: Outcome) throws(CELError) -> CELValue {
        switch kind {
        case .all: return .bool(true)
        case .exists: return .bool(false)
        case .existsOne: return .bool(outcome.count == 1)
        case .filter:
            // Of a map with two variables entries stay a map.
            if outcome.isMap, keySlot != nil { return .map(CELMap(Array(zip(outcome.keys, outcome.kept)))) }
            return .list(outcome.kept)
        case .map, .transformList: return .list(outcome.kept)
        case .transformMap, .transformEntry: return .map(CELMap(Array(zip(outcome.keys, outcome.kept))))
        case .sortBy:
            let order = try CELFunctions.sorted(outcome.kept)
            return .list(order.map { outcome.keys[$0] })
        }
    }

    private func step(
        _ run: CELEvaluator, _ outcome: inout Outcome, _ key: CELValue, _ value: CELValue
    ) throws(CELError) {
        if let keySlot { run.setLocal(keySlot, key) }
        run.setLocal(valueSlot, value)
        // What the loop that the macro stands for costs beside its parts.
        switch kind {
        case .all: try run.pay(3)
        case .exists: try run.pay(4)
        default: try run.pay(1)
        }
        var holds = true
        if let condition {
            do throws(CELError) { holds = try condition.holds(run, "a condition must be bool") } catch {
                // Errors wait for an element that decides without them.
                guard kind == .all || kind == .exists, error.code != .limit else { throw error }
                outcome.failure = outcome.failure ?? error
                return
            }
        }
        switch kind {
        case .all: if !holds { outcome.decision = false }
        case .exists: if holds { outcome.decision = true }
        case .existsOne:
            if holds {
                try run.pay(1)
                outcome.count += 1
            }
        case .filter:
            guard holds else { return }
            try run.pay(12)
            outcome.kept.append(value)
            if outcome.isMap, keySlot != nil { outcome.keys.append(key) }
        case .map, .transformList:
            guard holds, let body else { return }
            try run.pay(11)
            try run.spend(32)
            outcome.kept.append(try body.evaluate(run))
        case .transformMap, .sortBy:
            guard holds, let body else { return }
            try run.pay(11)
            try run.spend(64)
            outcome.kept.append(try body.evaluate(run))
            outcome.keys.append(kind == .sortBy ? value : key)
        case .transformEntry:
            guard holds, let body else { return }
            try run.pay(11)
            guard case .map(let map) = try body.evaluate(run).resolved else {
                throw CELEvaluator.error("transformMapEntry() needs a map")
            }
            for entry in map.entries {
                try run.spend(64)
                try run.pay(1 + outcome.keys.count / 10)
                if outcome.keys.contains(where: { CELValue.equal($0, entry.key) }) {
                    throw CELEvaluator.error("insert failed: key \(CELText.plain(entry.key)) already exists")
                }
                outcome.keys.append(entry.key)
                outcome.kept.append(entry.value)
            }
        }
    }
}
