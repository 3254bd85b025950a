// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CLibYAML
import CSimdjson
import Foundation

/// Builds the flat tree of one YAML document from libyaml's events, with the semantics of go-yaml v2 read into
/// `interface{}` and passed through sigs.k8s.io/yaml: scalars resolved, keys made strings, aliases expanded, merge keys
/// applied in the order they stand.
struct YAMLComposer: ~Copyable {
    struct Problem: Error {
        var code: DocumentError.Code
        var message: String
        /// 0-based, from the start of the running parser.
        var line: Int
        var column: Int
    }

    struct Frame {
        var entry: Int
        var isMapping: Bool
        var isFlow: Bool
        var count = 0
        /// Where this mapping's keys and merged values begin on their stacks.
        var keys: Int
        var merges: Int
        var slot: Int?
        /// Decode operations before this node, for the alias ratio.
        var operations: Int
        /// More than `manyKeys` keys are looked up here.
        var keySet: Set<String> = []
    }

    /// A key read whose value is due.
    struct Key {
        var offset: UInt32
        var length: UInt32
        var line: UInt32
        var isMerge = false
    }

    /// What an anchor stands for; its entries are a copy, because merging may move the tree's own.
    struct Slot {
        var first = 0
        var count = 0
        var operations = 0
        var isOpen = true
        var key: Result<[UInt8], KeyProblem>?
    }

    struct KeyProblem: Error { var message: String }

    static let manyKeys = 32

    var tree: TreeBuilder
    let limits: DocumentLimits
    let lineOffset: Int
    var frames: [Frame] = []
    var key: Key?
    var keyHashes: [(hash: Int, key: Key)] = []
    var merges: [Int] = []
    var slots: [Slot] = []
    var anchors: [String: Int] = [:]
    var anchored: ContiguousArray<BulwarkEntry> = []
    /// go-yaml's counters: everything decoded, and what of it came out of aliases.
    var operations = 1
    var aliasOperations = 0

    init(limits: DocumentLimits, lineOffset: Int) {
        tree = TreeBuilder()
        self.limits = limits
        self.lineOffset = lineOffset
    }

    /// Whether nothing but a null stands in the document.
    var isEmpty: Bool { tree.count == 0 || tree.entries[0].keyLengthKind & 15 == UInt32(BULWARK_NULL) }

    consuming func document(source: String) -> Document { tree.document(source: source) }

    mutating func take(_ event: UnsafePointer<yaml_event_t>) throws(Problem) {
        switch event.pointee.type {
        case YAML_SCALAR_EVENT: try scalar(event)
        case YAML_MAPPING_START_EVENT:
            let start = event.pointee.data.mapping_start
            try open(event, isMapping: true, isFlow: start.style == YAML_FLOW_MAPPING_STYLE, anchor: start.anchor)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.pointee.data.sequence_start
            try open(event, isMapping: false, isFlow: start.style == YAML_FLOW_SEQUENCE_STYLE, anchor: start.anchor)
        case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: try end(event)
        case YAML_ALIAS_EVENT: try alias(event)
        default: break
        }
    }

    func problem(_ event: UnsafePointer<yaml_event_t>, _ code: DocumentError.Code, _ message: String) -> Problem {
        let mark = event.pointee.start_mark
        return Problem(code: code, message: message, line: mark.line, column: mark.column)
    }

    /// Whether the next node is a mapping's key.
    private var keyIsDue: Bool { frames.last.map { $0.isMapping && key == nil } ?? false }

    // MARK: Scalars

    private mutating func scalar(_ event: UnsafePointer<yaml_event_t>) throws(Problem) {
        let scalar = event.pointee.data.scalar
        let text = UnsafeBufferPointer(start: UnsafePointer(scalar.value), count: scalar.length)
        let plain = scalar.plain_implicit != 0
        let tag = scalar.tag.map { String(cString: $0) }
        operations += 1
        if tag != nil, text.isEmpty, scalar.style == YAML_PLAIN_SCALAR_STYLE, frames.last?.isFlow == true {
            // To go-yaml a comma behind a tag belongs to the tag, and the next value is what is tagged.
            throw problem(event, .unsupported, "a tag without a value in flow style reads differently elsewhere")
        }
        if keyIsDue, text.count == 2, text[0] == 0x3C, text[1] == 0x3C, plain || tag == YAMLScalar.tagPrefix + "merge" {
            operations -= 1  // go-yaml does not decode a merge key
            key = Key(offset: 0, length: 0, line: line(event), isMerge: true)
            return
        }
        let value: YAMLScalar.Value
        do throws(YAMLScalar.Mismatch) {
            value = try YAMLScalar.resolve(text, tag: tag, plain: plain)
        } catch {
            throw problem(event, .unsupported, error.message)
        }
        if keyIsDue {
            let bytes: Result<[UInt8], KeyProblem>?
            switch value {
            case .text: bytes = nil
            default: bytes = Self.keyText(value, text)
            }
            if let anchor = scalar.anchor {
                addScalar(try entry(value, text, event), anchor, key: bytes ?? .success(Array(text)))
            }
            if let bytes {
                let made: [UInt8]
                do throws(KeyProblem) { made = try bytes.get() } catch {
                    throw problem(event, .unsupported, error.message)
                }
                try made.withUnsafeBufferPointer { (made) throws(Problem) in try setKey(made, event) }
            } else {
                try setKey(text, event)
            }
            return
        }
        if key?.isMerge == true || mergeElementIsDue { throw mergeWantsMap(event) }
        let entry = try place(try entry(value, text, event), event)
        tree.append(entry)
        frames.indices.last.map { frames[$0].count += 1 }
        if let anchor = scalar.anchor {
            addScalar(entry, anchor, key: Self.keyText(value, text))
        }
    }

    private mutating func entry(
        _ value: YAMLScalar.Value, _ text: UnsafeBufferPointer<UInt8>, _ event: UnsafePointer<yaml_event_t>
    ) throws(Problem) -> BulwarkEntry {
        var entry = BulwarkEntry()
        switch value {
        case .null: entry.keyLengthKind = UInt32(BULWARK_NULL)
        case .bool(let value): entry.keyLengthKind = UInt32(value ? BULWARK_TRUE : BULWARK_FALSE)
        case .integer:
            entry.keyLengthKind = UInt32(BULWARK_NUMBER)
            entry.offset = tree.append(text: text)
            entry.length = UInt32(text.count)
        case .integerText(let digits):
            entry.keyLengthKind = UInt32(BULWARK_NUMBER)
            entry.offset = tree.append(text: digits)
            entry.length = UInt32(digits.count)
        case .float(let value):
            guard let digits = GoNumber.json(value) else {
                throw problem(event, .unsupported, "JSON has no form for \(String(decoding: text, as: UTF8.self))")
            }
            entry.keyLengthKind = UInt32(BULWARK_NUMBER)
            entry.offset = tree.append(text: digits)
            entry.length = UInt32(digits.count)
        case .text:
            entry.keyLengthKind = UInt32(BULWARK_STRING)
            entry.offset = tree.append(text: text)
            entry.length = UInt32(text.count)
        case .bytes(let bytes):
            entry.keyLengthKind = UInt32(BULWARK_STRING)
            entry.offset = tree.append(text: bytes)
            entry.length = UInt32(bytes.count)
        }
        return entry
    }

    /// How sigs.k8s.io/yaml writes a scalar that stands as a key.
    static func keyText(
        _ value: YAMLScalar.Value, _ text: UnsafeBufferPointer<UInt8>
    ) -> Result<[UInt8], KeyProblem> {
        switch value {
        case .null: return .failure(KeyProblem(message: "null cannot be a key"))
        case .bool(let value): return .success(Array((value ? "true" : "false").utf8))
        case .integer, .text: return .success(Array(text))
        case .integerText(let digits):
            guard Int(String(decoding: digits, as: UTF8.self)) != nil else {
                return .failure(KeyProblem(message: "a number beyond 64 bits cannot be a key"))
            }
            return .success(digits)
        case .float(let value): return .success(GoNumber.key(value))
        case .bytes(let bytes): return .success(bytes)
        }
    }

    /// Gives a value its key and line, and counts it against the limits.
    mutating func place(_ entry: BulwarkEntry, _ event: UnsafePointer<yaml_event_t>) throws(Problem) -> BulwarkEntry {
        guard tree.count < limits.maxNodes else {
            throw problem(event, .tooManyNodes, "more values than the limit of \(limits.maxNodes)")
        }
        var entry = entry
        entry.next = UInt32(truncatingIfNeeded: tree.count + 1)
        entry.at = line(event)
        entry.keyOffset = 0
        entry.keyLengthKind &= 15
        if let key {
            entry.keyOffset = key.offset
            entry.keyLengthKind |= key.length << 4
            entry.at = key.line
            if key.isMerge { merges.append(tree.count) }
        }
        key = nil
        return entry
    }

    func line(_ event: UnsafePointer<yaml_event_t>) -> UInt32 {
        UInt32(truncatingIfNeeded: lineOffset + event.pointee.start_mark.line + 1)
    }

    // MARK: Keys

    mutating func setKey(
        _ text: UnsafeBufferPointer<UInt8>, _ event: UnsafePointer<yaml_event_t>
    ) throws(Problem) {
        guard text.count < 1 << 28 else { throw problem(event, .tooLarge, "a key of \(text.count) bytes") }
        let frame = frames.count - 1
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(text))
        let hash = hasher.finalize()
        let first = frames[frame].keys
        if keyHashes.count - first < Self.manyKeys {
            for known in keyHashes[first...] where known.hash == hash && Int(known.key.length) == text.count {
                let same = text.baseAddress.map { memcmp(tree.pool + Int(known.key.offset), $0, text.count) == 0 }
                if same ?? true { throw duplicate(text, known.key.line, event) }
            }
        } else {
            if frames[frame].keySet.isEmpty {
                for known in keyHashes[first...] { frames[frame].keySet.insert(string(known.key)) }
            }
            let name = String(decoding: text, as: UTF8.self)
            if !frames[frame].keySet.insert(name).inserted {
                let known = keyHashes[first...].first { $0.hash == hash && string($0.key) == name }
                throw duplicate(text, known?.key.line ?? 0, event)
            }
        }
        let new = Key(offset: tree.append(text: text), length: UInt32(text.count), line: line(event))
        keyHashes.append((hash, new))
        key = new
    }

    private func string(_ key: Key) -> String {
        let start = tree.pool + Int(key.offset)
        return String(decoding: UnsafeBufferPointer(start: start, count: Int(key.length)), as: UTF8.self)
    }

    private func duplicate(
        _ text: UnsafeBufferPointer<UInt8>, _ line: UInt32, _ event: UnsafePointer<yaml_event_t>
    ) -> Problem {
        let name = String(decoding: text.prefix(80), as: UTF8.self)
        return problem(event, .duplicateKey, "key \"\(name)\" is already set in this object at line \(line)")
    }

    // MARK: Collections

    private mutating func open(
        _ event: UnsafePointer<yaml_event_t>, isMapping: Bool, isFlow: Bool,
        anchor: UnsafeMutablePointer<yaml_char_t>?
    ) throws(Problem) {
        if keyIsDue { throw problem(event, .unsupported, "a mapping or sequence cannot be a key") }
        if mergeElementIsDue, !isMapping { throw mergeWantsMap(event) }
        guard frames.count < limits.maxDepth else {
            throw problem(event, .tooDeep, "nested deeper than the limit of \(limits.maxDepth)")
        }
        let before = operations
        operations += 1
        let isMerge = key?.isMerge == true
        var entry = BulwarkEntry()
        entry.keyLengthKind = UInt32(isMapping ? BULWARK_OBJECT : BULWARK_ARRAY)
        let index = tree.count
        tree.append(try place(entry, event))
        frames.indices.last.map { frames[$0].count += 1 }
        frames.append(
            Frame(
                entry: index, isMapping: isMapping, isFlow: isFlow, keys: keyHashes.count, merges: merges.count,
                slot: anchor.map { addSlot($0) }, operations: before))
        if isMerge, !isMapping { mergeSequences.insert(frames.count) }
    }

    /// Depths at which a sequence stands as the value of a merge key: its elements must be mappings.
    var mergeSequences: Set<Int> = []

    var mergeElementIsDue: Bool { !mergeSequences.isEmpty && mergeSequences.contains(frames.count) }

    func mergeWantsMap(_ event: UnsafePointer<yaml_event_t>) -> Problem {
        problem(event, .unsupported, "the value of a merge key << must be a mapping or a sequence of mappings")
    }

    private mutating func end(_ event: UnsafePointer<yaml_event_t>) throws(Problem) {
        guard let frame = frames.popLast() else { return }
        mergeSequences.remove(frames.count + 1)
        tree.close(frame.entry, children: frame.count)
        if frame.isMapping {
            keyHashes.removeLast(keyHashes.count - frame.keys)
            if merges.count > frame.merges {
                merge(frame)
                merges.removeLast(merges.count - frame.merges)
            }
        }
        if let slot = frame.slot {
            guard anchored.count + tree.count - frame.entry <= limits.maxNodes else {
                throw problem(event, .tooManyNodes, "anchors hold more values than the limit of \(limits.maxNodes)")
            }
            let first = anchored.count
            for index in frame.entry..<tree.count {
                var entry = tree.entries[index]
                entry.next -= UInt32(frame.entry)
                anchored.append(entry)
            }
            slots[slot].first = first
            slots[slot].count = tree.count - frame.entry
            slots[slot].operations = operations - frame.operations
            slots[slot].isOpen = false
        }
    }
}
