// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Orders values of one list. Objects of a document that have the same keys, as those of a list mostly do, are compared
/// without looking for the order of their keys each time.
struct ListOrder {
    private let values: [Value]
    /// How many keys the first value has; 0 when it is no object of a document.
    private var width = 0
    /// What each value has under these keys in order.
    private var members: [Node] = []
    /// Where a value's members begin; -1 when it has other keys.
    private var starts: [Int] = []

    init(_ values: [Value]) {
        self.values = values
        guard case .node(let first) = values[0], first.isObject, case .node(let second) = values[1],
            first.count == second.count, first.count <= 32, first.count > 0
        else { return }
        let sorted = first.sortedMembers
        width = sorted.count
        members.reserveCapacity(width * values.count)
        starts.reserveCapacity(values.count)
        for (_, member) in sorted { members.append(member) }
        starts.append(0)
        for value in values.dropFirst() { starts.append(add(value, sorted)) }
    }

    private mutating func add(_ value: Value, _ sorted: [(key: String, value: Node)]) -> Int {
        guard case .node(let node) = value, node.count == width else { return -1 }
        let start = members.count
        for (key, _) in sorted {
            guard let member = node[dynamic: key] else {
                members.removeLast(members.count - start)
                return -1
            }
            members.append(member)
        }
        return start
    }

    func compare(_ one: Int, _ two: Int) -> Int {
        guard width > 0, starts[one] >= 0, starts[two] >= 0 else { return Rego.compare(values[one], values[two]) }
        for index in 0..<width {
            let (mine, theirs) = (members[starts[one] + index], members[starts[two] + index])
            if mine.hasSameContent(as: theirs) { continue }
            let order = Rego.compare(.node(mine), .node(theirs))
            if order != 0 { return order }
        }
        return 0
    }
}

extension Node {
    /// The members of an object by the bytes of their keys.
    var sortedMembers: [(key: String, value: Node)] {
        var found: [(key: String, value: Node)] = []
        found.reserveCapacity(count)
        for (key, value) in members { found.append((key.string, value)) }
        if found.count < 2 { return found }
        if found.count > 32 {
            found.sort { compareBytes($0.key, $1.key) < 0 }
            return found
        }
        // The first eight bytes nearly always decide.
        var order: [(start: UInt64, place: Int)] = []
        order.reserveCapacity(found.count)
        for place in found.indices {
            let start = found[place].key.firstBytes
            var at = place
            order.append((start, place))
            while at > 0 {
                let (others, other) = order[at - 1]
                let isBefore = start == others ? compareBytes(found[place].key, found[other].key) < 0 : start < others
                if !isBefore { break }
                order[at] = (others, other)
                order[at - 1] = (start, place)
                at -= 1
            }
        }
        return order.map { found[$0.place] }
    }
}

extension String {
    /// Eight bytes as one number, the first of them highest; zeros where there are no more.
    fileprivate var firstBytes: UInt64 {
        var text = self
        return text.withUTF8 { bytes in
            var number: UInt64 = 0
            for index in 0..<8 { number = number << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0) }
            return number
        }
    }
}
