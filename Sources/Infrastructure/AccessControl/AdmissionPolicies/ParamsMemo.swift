// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Synchronization

/// What a policy's variables gave for parameters that it met before, so that lists of exemptions are prepared once and not
/// at each decision.
final class ParamsMemo: Sendable {
    /// By slot.
    typealias Values = [Int: (value: CELValue, cost: Int)]

    private struct Entry {
        let params: Node?
        var values: Values

        func isOf(_ other: Node?) -> Bool {
            switch (params, other) {
            case (nil, nil): true
            case (let one?, let two?): one.isSame(as: two)
            default: false
            }
        }
    }

    private static let limit = 8
    private let entries = Mutex<[Entry]>([])

    func values(for params: Node?) -> Values {
        entries.withLock { entries in entries.first { $0.isOf(params) }?.values ?? [:] }
    }

    func keep(_ values: Values, for params: Node?) {
        entries.withLock { entries in
            if let place = entries.firstIndex(where: { $0.isOf(params) }) {
                entries[place].values.merge(values) { $1 }
                return
            }
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(Entry(params: params, values: values))
        }
    }
}
