// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CLibYAML
import CSimdjson

extension YAMLComposer {
    /// Registers an anchor from where it stands on; a later one of the same name takes its place.
    mutating func addSlot(_ anchor: UnsafeMutablePointer<yaml_char_t>) -> Int {
        slots.append(Slot())
        anchors[String(cString: anchor)] = slots.count - 1
        return slots.count - 1
    }

    /// Registers an anchor on a scalar.
    mutating func addScalar(
        _ entry: BulwarkEntry, _ anchor: UnsafeMutablePointer<yaml_char_t>, key: Result<[UInt8], KeyProblem>
    ) {
        slots[addSlot(anchor)] = Slot(first: anchored.count, count: 1, operations: 1, isOpen: false, key: key)
        var entry = entry
        entry.next = 1
        anchored.append(entry)
    }

    /// Copies what an alias stands for into the tree.
    mutating func alias(_ event: UnsafePointer<yaml_event_t>) throws(Problem) {
        let name = event.pointee.data.alias.anchor.map { String(cString: $0) } ?? ""
        guard let index = anchors[name] else {
            // The name is not told: it may be a password that starts with an asterisk.
            throw problem(event, .unsupported, "unknown anchor; a text that starts with * must be quoted")
        }
        let slot = slots[index]
        guard !slot.isOpen else { throw problem(event, .aliasBomb, "an anchor contains itself") }
        operations += 1 + slot.operations
        aliasOperations += slot.operations
        guard !isExcessive else { throw problem(event, .aliasBomb, "the document consists of too many aliases") }
        if frames.last?.isMapping == true, key == nil {
            try aliasKey(slot, event)
            return
        }
        let root = anchored[slot.first]
        if key?.isMerge == true || mergeElementIsDue, root.keyLengthKind & 15 != UInt32(BULWARK_OBJECT) {
            throw mergeWantsMap(event)
        }
        guard tree.count + slot.count <= limits.maxNodes else {
            throw problem(event, .tooManyNodes, "aliases expand to more values than the limit of \(limits.maxNodes)")
        }
        guard frames.count + depth(of: slot) <= limits.maxDepth else {
            throw problem(event, .tooDeep, "aliases nest deeper than the limit of \(limits.maxDepth)")
        }
        let base = UInt32(tree.count)
        var copy = try place(root, event)
        copy.next = root.next + base
        tree.append(copy)
        for offset in 1..<max(slot.count, 1) {
            var entry = anchored[slot.first + offset]
            entry.next += base
            tree.append(entry)
        }
        if let last = frames.indices.last { frames[last].count += 1 }
    }

    /// An alias as a key stands for the scalar's key text.
    private mutating func aliasKey(_ slot: Slot, _ event: UnsafePointer<yaml_event_t>) throws(Problem) {
        switch slot.key {
        case .success(let text):
            try text.withUnsafeBufferPointer { (text) throws(Problem) in try setKey(text, event) }
        case .failure(let error): throw problem(event, .unsupported, error.message)
        case nil: throw problem(event, .unsupported, "a mapping or sequence cannot be a key")
        }
    }

    /// How many levels the collections of a slot nest.
    private func depth(of slot: Slot) -> Int {
        var open: [UInt32] = []
        var deepest = 0
        for offset in 0..<UInt32(slot.count) {
            while let end = open.last, end <= offset { open.removeLast() }
            let entry = anchored[slot.first + Int(offset)]
            guard entry.keyLengthKind & 15 >= UInt32(BULWARK_ARRAY) else { continue }
            open.append(entry.next)
            deepest = max(deepest, open.count)
        }
        return deepest
    }

    /// go-yaml's rule against documents that blow up: at most 99 % of the decoding may come out of aliases while that
    /// is up to 400,000 operations, falling to 10 % at 4,000,000.
    private var isExcessive: Bool {
        guard aliasOperations > 100, operations > 1000 else { return false }
        let low = 400_000.0
        let high = 4_000_000.0
        let total = Double(operations)
        let allowed = total <= low ? 0.99 : total >= high ? 0.10 : 0.99 - 0.89 * ((total - low) / (high - low))
        return Double(aliasOperations) / total > allowed
    }

    /// Rewrites a mapping that holds merge keys: members and merged members are set in the order they stand, and the
    /// last one set stays, which is what go-yaml v2 does.
    mutating func merge(_ frame: Frame) {
        var order: [String: Int] = [:]
        var members: [(key: BulwarkEntry, value: Int)] = []
        func name(_ entry: BulwarkEntry) -> String {
            let start = tree.pool + Int(entry.keyOffset)
            let length = Int(entry.keyLengthKind >> 4)
            return String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
        }
        func set(_ index: Int) {
            let entry = tree.entries[index]
            let name = name(entry)
            if let known = order[name] {
                members[known] = (entry, index)
            } else {
                order[name] = members.count
                members.append((entry, index))
            }
        }
        func setAll(of mapping: Int) {
            var index = mapping + 1
            for _ in 0..<tree.entries[mapping].length {
                set(index)
                index = Int(tree.entries[index].next)
            }
        }
        var index = frame.entry + 1
        var nextMerge = frame.merges
        for _ in 0..<frame.count {
            let isMerge = nextMerge < merges.count && merges[nextMerge] == index
            nextMerge += isMerge ? 1 : 0
            if !isMerge {
                set(index)
            } else if tree.entries[index].keyLengthKind & 15 == UInt32(BULWARK_OBJECT) {
                setAll(of: index)
            } else {
                var parts: [Int] = []
                var part = index + 1
                for _ in 0..<tree.entries[index].length {
                    parts.append(part)
                    part = Int(tree.entries[part].next)
                }
                // Earlier mappings of the list win, so they are set last.
                for part in parts.reversed() { setAll(of: part) }
            }
            index = Int(tree.entries[index].next)
        }
        let old = Array(UnsafeBufferPointer(start: tree.entries + frame.entry, count: tree.count - frame.entry))
        tree.truncate(to: frame.entry + 1)
        for member in members {
            let first = member.value - frame.entry
            let end = Int(old[first].next) - frame.entry
            let shift = tree.count - member.value
            for var entry in old[first..<end] {
                entry.next = UInt32(Int(entry.next) + shift)
                tree.append(entry)
            }
        }
        tree.close(frame.entry, children: members.count)
    }
}
