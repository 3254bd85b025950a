// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

/// Reads the YAML that manifests are mostly written in straight into the tree: block mappings and sequences, plain, quoted
/// and block scalars, flow collections, comments.
///
/// What it reads it reads as libyaml and `YAMLComposer` do, to the byte and the line. Everything else (anchors, tags,
/// directives, tabs between tokens, complex keys, and every text with an error) it leaves to them: `unusual` says
/// nothing about the text. So it never has to tell an error, and in doubt it gives up.
struct YAMLDirectReader: ~Copyable {
    /// `nextLine` is that of the text's end, 1-based in the file.
    enum Outcome {
        case document(Document, nextLine: Int)
        /// Nothing but comments, or a null.
        case empty(nextLine: Int)
        case unusual
    }

    enum FrameKind { case root, mapping, sequence, flowMapping, flowSequence }

    /// A collection that is open, or (at the bottom) the document itself.
    struct Frame {
        var kind: FrameKind
        /// The column where its keys or dashes stand; -1 for the document.
        var indent: Int
        var entry = 0
        var children: UInt32 = 0
        /// Where the hashes of its keys begin.
        var hashes = 0
        /// A key or a dash has been read and its value has not.
        var isDue = false
        var keyOffset: UInt32 = 0
        var keyLength: UInt32 = 0
        /// The line of the key, or of the dash.
        var line: UInt32 = 0
    }

    static let maxDepth = 100
    /// A key libyaml would find too long is left to it, with a wide margin.
    static let maxKeyBytes = 250
    /// Up to so many keys each new one is compared with those before it; more are sorted in the end.
    private static let fewKeys = 24

    let text: UnsafePointer<UInt8>
    /// The length of the text.
    let end: Int
    /// Where the text is read.
    var at = 0
    /// The line of `at`, 1-based in the file.
    var line: UInt32
    /// A copy of the text behind a spare byte. Scalars that read otherwise than they are written are shorter then, and
    /// are put in their own place.
    let pool: UnsafeMutablePointer<UInt8>
    private var entries: UnsafeMutablePointer<BulwarkEntry>
    private var count = 0
    private var capacity: Int
    private let maxNodes: Int
    private let maxDepth: Int
    private let frames: UnsafeMutablePointer<Frame>
    var depth = 0
    private var hashes: UnsafeMutablePointer<UInt64>
    private var hashCount = 0
    private var hashCapacity = 256

    /// The outcome for one document: from its `---` line, or the text's start, up to the next one's `---` line.
    ///
    /// - Parameters:
    ///   - text: well-formed UTF-8 without characters that YAML does not allow.
    ///   - line: of the text's start, 1-based in the file.
    static func read(_ text: UnsafeBufferPointer<UInt8>, line: Int, source: String, limits: DocumentLimits) -> Outcome {
        guard let start = text.baseAddress, text.count > 0 else { return .empty(nextLine: line) }
        guard text.count < 1 << 28, hasPlainLines(text),
            let pool = malloc(text.count + 1)?.assumingMemoryBound(to: UInt8.self)
        else { return .unusual }
        let capacity = text.count / 32 + 16
        guard let entries = malloc(capacity * MemoryLayout<BulwarkEntry>.stride) else {
            free(pool)
            return .unusual
        }
        pool[0] = 0  // so that no key stands at offset 0
        memcpy(pool + 1, start, text.count)
        var reader = YAMLDirectReader(
            start, text.count, line, pool, entries.assumingMemoryBound(to: BulwarkEntry.self), capacity, limits)
        guard reader.readDocument() else { return .unusual }
        return reader.finish(source)
    }

    private init(
        _ text: UnsafePointer<UInt8>, _ end: Int, _ line: Int, _ pool: UnsafeMutablePointer<UInt8>,
        _ entries: UnsafeMutablePointer<BulwarkEntry>, _ capacity: Int, _ limits: DocumentLimits
    ) {
        self.text = text
        self.end = end
        self.line = UInt32(truncatingIfNeeded: line)
        self.pool = pool
        self.entries = entries
        self.capacity = capacity
        maxNodes = limits.maxNodes
        maxDepth = min(Self.maxDepth, limits.maxDepth)
        frames = .allocate(capacity: Self.maxDepth + 1)
        frames[0] = Frame(kind: .root, indent: -1, isDue: true)
        hashes = .allocate(capacity: hashCapacity)
    }

    deinit {
        frames.deallocate()
        hashes.deallocate()
        free(entries)
        free(pool)
    }

    private consuming func finish(_ source: String) -> Outcome {
        frames.deallocate()
        hashes.deallocate()
        let (entries, pool, count, line) = (entries, pool, count, Int(line))
        discard self
        guard count > 0, entries[0].keyLengthKind & 15 != UInt32(BULWARK_NULL) else {
            free(entries)
            free(pool)
            return .empty(nextLine: line)
        }
        let bytes = count * MemoryLayout<BulwarkEntry>.stride
        let kept = realloc(entries, bytes)?.assumingMemoryBound(to: BulwarkEntry.self) ?? entries
        let document = Document(source: source, entries: kept, count: count, pool: pool, positions: .lines)
        return .document(document, nextLine: line)
    }

    /// Whether lines end with line feeds alone: to YAML other characters end lines too, and are rare.
    private static func hasPlainLines(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var (returns, high): (UInt8, UInt8) = (0, 0)
        for byte in text {
            returns |= byte == 0x0D ? 1 : 0
            high |= byte
        }
        if returns != 0 || high < 0x80 { return returns == 0 }
        for index in 2..<max(text.count, 2) {
            let (first, second, third) = (text[index - 2], text[index - 1], text[index])
            if second == 0xC2 && third == 0x85 || first == 0xE2 && second == 0x80 && third & 0xFE == 0xA8
                || first == 0xEF && second == 0xBB && third == 0xBF
            {
                return false
            }
        }
        return !(text.count >= 2 && text[0] == 0xC2 && text[1] == 0x85)
    }

    // MARK: Lines

    @inline(__always)
    func byte(_ index: Int) -> UInt8 { index < end ? text[index] : 0x0A }

    /// Whether a blank, a line end or the text's end stands there.
    @inline(__always)
    func isBlankOrEnd(_ index: Int) -> Bool {
        let byte = byte(index)
        return byte == 0x20 || byte == 0x0A || byte == 0x09
    }

    @inline(__always)
    mutating func skipSpaces() { while at < end, text[at] == 0x20 { at &+= 1 } }

    @inline(__always)
    mutating func skipLine() {
        guard at < end else { return }
        let feed = memchr(text + at, 0x0A, end - at).map { UnsafeRawPointer($0) - UnsafeRawPointer(text) }
        at = feed.map { $0 + 1 } ?? end
        line &+= 1
    }

    /// Passes over what may follow a value on its line: blanks and a comment. False for anything else.
    mutating func endLine() -> Bool {
        let start = at
        skipSpaces()
        if at == end { return true }
        if text[at] == 0x0A {
            at &+= 1
            line &+= 1
            return true
        }
        guard text[at] == 0x23, at > start else { return false }
        skipLine()
        return true
    }

    /// Whether `---` or `...` stands here.
    func isDocumentMark(_ mark: UInt8) -> Bool {
        at &+ 3 <= end && text[at] == mark && text[at &+ 1] == mark && text[at &+ 2] == mark && isBlankOrEnd(at &+ 3)
    }

    // MARK: Collections

    @inline(__always)
    var top: Frame {
        get { frames[depth] }
        nonmutating _modify { yield &frames[depth] }
    }

    /// Adds a value to the collection on top, for which one is due.
    @inline(__always)
    mutating func add(_ kind: Int, _ offset: Int, _ length: Int, _ line: UInt32) -> Bool {
        guard count < maxNodes else { return false }
        if count == capacity, !grow() { return false }
        let frame = frames + depth
        frame.pointee.isDue = false
        frame.pointee.children &+= 1
        var entry = BulwarkEntry()
        entry.keyOffset = frame.pointee.keyOffset
        entry.keyLengthKind = frame.pointee.keyLength << 4 | UInt32(truncatingIfNeeded: kind)
        entry.offset = UInt32(truncatingIfNeeded: offset)
        entry.length = UInt32(truncatingIfNeeded: length)
        // Only a key has a place in the pool; an element's line is its own.
        entry.at = frame.pointee.keyOffset > 0 ? frame.pointee.line : line
        count &+= 1
        entry.next = UInt32(truncatingIfNeeded: count)
        entries[count &- 1] = entry
        return true
    }

    private mutating func grow() -> Bool {
        let larger = capacity * 2
        guard let memory = realloc(entries, larger * MemoryLayout<BulwarkEntry>.stride) else { return false }
        entries = memory.assumingMemoryBound(to: BulwarkEntry.self)
        capacity = larger
        return true
    }

    mutating func open(_ kind: FrameKind, indent: Int, line: UInt32) -> Bool {
        let isMapping = kind == .mapping || kind == .flowMapping
        guard depth < maxDepth, add(isMapping ? BULWARK_OBJECT : BULWARK_ARRAY, 0, 0, line) else { return false }
        depth &+= 1
        frames[depth] = Frame(kind: kind, indent: indent, entry: count &- 1, hashes: hashCount)
        return true
    }

    mutating func close() -> Bool {
        let frame = frames[depth]
        if frame.isDue, !add(BULWARK_NULL, 0, 0, frame.line) { return false }
        entries[frame.entry].length = frames[depth].children
        entries[frame.entry].next = UInt32(truncatingIfNeeded: count)
        if hashCount &- frame.hashes > Self.fewKeys, hasEqualHashes(from: frame.hashes) { return false }
        hashCount = frame.hashes
        depth &-= 1
        return true
    }

    private func hasEqualHashes(from start: Int) -> Bool {
        let sorted = UnsafeBufferPointer(start: hashes + start, count: hashCount - start).sorted()
        return zip(sorted, sorted.dropFirst()).contains { $0 == $1 }
    }

    /// Makes a text the key of the mapping on top. Keys of one hash may be the same key, which is an error: false.
    mutating func setKey(_ offset: Int, _ length: Int, _ line: UInt32) -> Bool {
        guard length <= Self.maxKeyBytes else { return false }
        let hash = Self.hash(pool + offset, length)
        let first = top.hashes
        if hashCount &- first < Self.fewKeys {
            for index in first..<hashCount where hashes[index] == hash { return false }
        }
        if hashCount == hashCapacity {
            let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: hashCapacity * 2)
            larger.update(from: hashes, count: hashCount)
            hashes.deallocate()
            hashes = larger
            hashCapacity *= 2
        }
        hashes[hashCount] = hash
        hashCount &+= 1
        top.keyOffset = UInt32(truncatingIfNeeded: offset)
        top.keyLength = UInt32(truncatingIfNeeded: length)
        top.line = line
        top.isDue = true
        return true
    }

    private static func hash(_ key: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index &+ 8 <= length {
            hash = (hash ^ UnsafeRawPointer(key + index).loadUnaligned(as: UInt64.self)) &* 0xD6E8_FEB8_6659_FD93
            hash ^= hash >> 32
            index &+= 8
        }
        while index < length {
            hash = (hash ^ UInt64(key[index])) &* 0xD6E8_FEB8_6659_FD93
            hash ^= hash >> 32
            index &+= 1
        }
        return hash
    }
}
