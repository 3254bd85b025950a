// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Finds the bytes that one edit has to change.
struct Patcher {
    private(set) var text: [UInt8]
    private let outline: Outline
    private var style: EditText

    init(_ text: [UInt8], _ outline: Outline) {
        self.text = text
        self.outline = outline
        style = EditText(isJSON: outline.isJSON, newline: "\n", unit: 2, indentsSequences: false)
        style.newline = text.firstIndex(of: 0x0A).map { $0 > 0 && text[$0 - 1] == 0x0D } == true ? "\r\n" : "\n"
        measure()
    }

    /// Learns how the document indents.
    private mutating func measure() {
        var units: [Int: Int] = [:]
        var deeper = 0
        var level = 0
        for item in outline.items where item.isBlockCollection {
            guard let parent = item.parent, outline.items[parent].kind == .mapping,
                outline.items[parent].style == .block
            else { continue }
            let step = column(of: item) - column(of: outline.items[parent])
            if item.kind == .mapping, step > 0 { units[step, default: 0] += 1 }
            if item.kind == .sequence {
                if step > 0 { deeper += 1 } else { level += 1 }
            }
        }
        if let unit = units.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key { style.unit = min(unit, 8) }
        style.indentsSequences = deeper > level
    }

    mutating func apply(_ edit: Edit, _ path: [PathComponent]) throws(EditProblem) {
        guard !outline.items.isEmpty else { throw EditProblem("cannot be found in the text") }
        var item = 0
        var depth = 0
        while depth < path.count, let next = outline.child(of: item, path[depth]) {
            item = next
            depth += 1
        }
        if outline.items[item].kind == .alias { throw EditProblem("stands for an anchor and cannot be changed here") }
        let rest = path[depth...]
        switch edit {
        case .remove:
            guard rest.isEmpty else { throw EditProblem("is not written in this place") }
            try remove(item)
        case .set(let value):
            try put(value, rest, at: item)
        case .append(let value):
            if rest.isEmpty, outline.items[item].kind == .sequence {
                try add(nil, value, to: item)
            } else {
                try put(.array([value]), rest, at: item)
            }
        }
    }

    /// Sets what stands at the end of `rest` below an item to a value.
    private mutating func put(
        _ value: EditValue, _ rest: ArraySlice<PathComponent>, at item: Int
    ) throws(EditProblem) {
        guard let first = rest.first else { return try replace(item, with: value) }
        var value = value
        for component in rest.dropFirst().reversed() {
            switch component {
            case .key(let key): value = .object([(key, value)])
            case .index: value = .array([value])
            }
        }
        switch (first, outline.items[item].kind) {
        case (.key(let key), .mapping): try add(key, value, to: item)
        case (.index, .sequence): try add(nil, value, to: item)
        case (.key(let key), .scalar): try replace(item, with: .object([(key, value)]))
        case (.index, .scalar): try replace(item, with: .array([value]))
        default: throw EditProblem("does not fit what stands there")
        }
    }

    // MARK: Bytes

    private mutating func change(_ range: Range<Int>, to new: String) {
        text.replaceSubrange(range, with: Array(new.utf8))
    }

    private func lineStart(_ offset: Int) -> Int {
        var at = offset
        while at > 0, text[at - 1] != 0x0A { at -= 1 }
        return at
    }

    /// Where the line's end begins.
    private func lineEnd(_ offset: Int) -> Int {
        var at = offset
        while at < text.count, text[at] != 0x0A { at += 1 }
        return at > offset && text[at - 1] == 0x0D ? at - 1 : at
    }

    private func nextLine(_ offset: Int) -> Int {
        var at = offset
        while at < text.count, text[at] != 0x0A { at += 1 }
        return min(at + 1, text.count)
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private func isFirstOnLine(_ offset: Int) -> Bool {
        text[lineStart(offset)..<offset].allSatisfy(isSpace)
    }

    /// Characters between the line's start and an offset.
    private func column(_ offset: Int) -> Int {
        text[lineStart(offset)..<offset].count { $0 & 0xC0 != 0x80 }
    }

    /// The column of a block collection's keys or dashes.
    private func column(of item: Outline.Item) -> Int {
        guard let child = item.children.first else { return column(item.start) }
        if item.kind == .mapping { return column(item.keys[0].start) }
        return column(dash(before: outline.items[child].start) ?? item.start)
    }

    /// The dash of the sequence item whose value starts at an offset; nil when something else stands between.
    private func dash(before offset: Int) -> Int? {
        var at = offset
        while at > 0, isSpace(text[at - 1]) || text[at - 1] == 0x0A || text[at - 1] == 0x0D { at -= 1 }
        return at > 0 && text[at - 1] == 0x2D ? at - 1 : nil
    }

    /// The offset behind the colon that follows a key.
    private func colonEnd(_ key: Outline.Key) throws(EditProblem) -> Int {
        var at = key.end
        while at < text.count, isSpace(text[at]) { at += 1 }
        guard at < text.count, text[at] == 0x3A else { throw EditProblem("cannot be changed in place") }
        return at + 1
    }

    private func quotesKeys(_ item: Outline.Item) -> Bool {
        outline.isJSON || item.keys.last?.isQuoted == true
    }

    /// Whether an item stands in JSON or inside a flow collection.
    private func isInFlow(_ item: Outline.Item) -> Bool {
        outline.isJSON || item.parent.map { outline.items[$0].style == .flow } ?? false
    }

    // MARK: Replacing

    private mutating func replace(_ index: Int, with value: EditValue) throws(EditProblem) {
        let item = outline.items[index]
        if isInFlow(item) {
            let new = flow(value, at: item)
            guard item.start == item.end else { return change(item.start..<item.end, to: new) }
            let before = item.start > 0 ? text[item.start - 1] : 0x20
            return change(item.start..<item.end, to: (isSpace(before) ? "" : before == 0x3A ? " " : ": ") + new)
        }
        guard let parent = item.parent else {
            guard !value.isCollection else { throw EditProblem("cannot be changed in place") }
            return change(item.start..<item.end, to: style.scalar(value))
        }
        let owner = outline.items[parent]
        if owner.kind == .sequence {
            guard let dash = dash(before: item.start) else { throw EditProblem("cannot be changed in place") }
            let lines = style.item(value, column: column(dash), quotesKeys: false)
            let new = lines.joined(separator: style.newline).drop { $0 == " " }
            return change(dash..<item.end, to: String(new))
        }
        let key = owner.keys[item.position]
        let colon = try colonEnd(key)
        guard value.isCollection else {
            let new = style.scalar(value, style: item.kind == .scalar ? item.style : .plain)
            let from = item.isBlockCollection || item.start == item.end ? colon : item.start
            return change(from..<item.end, to: from == colon ? " " + new : new)
        }
        let lines = style.lines(value, under: column(of: owner), quotesKeys: owner.keys[item.position].isQuoted)
        let block = style.newline + lines.joined(separator: style.newline)
        if !item.isBlockCollection, item.style != .block {
            // A comment behind the old value stays on the key's line.
            let end = lineEnd(item.end)
            let comment = text[item.end..<end].drop(while: isSpace)
            if comment.first == 0x23 {
                let kept = " " + String(decoding: comment, as: UTF8.self)
                return change(colon..<end, to: kept + block)
            }
        }
        change(colon..<item.end, to: block)
    }

    /// A value as flow text in the place of an item, spread over lines where JSON around it is.
    private func flow(_ value: EditValue, at item: Outline.Item) -> String {
        var style = style
        style.isCompact = isCompact(around: item)
        if !value.isCollection, item.kind == .scalar { return style.scalar(value, style: item.style) }
        guard outline.isJSON, value.isCollection, let step = step(around: item) else {
            return style.flow(value, quotesKeys: outline.isJSON)
        }
        let line = lineStart(item.start)
        let indent = String(decoding: text[line...].prefix(while: isSpace), as: UTF8.self)
        return style.flow(value, quotesKeys: true, indent: indent, step: step)
    }

    /// The indentation step of JSON that is spread over lines; nil when it is not.
    private func step(around item: Outline.Item) -> String? {
        guard let root = outline.items.first, let first = root.children.first else { return nil }
        let start = outline.start(ofChild: outline.items[first].position, in: 0)
        guard isFirstOnLine(start), lineStart(start) > root.start else { return nil }
        let outer = text[lineStart(root.start)...].prefix(while: isSpace).count
        let inner = text[lineStart(start)..<start]
        return String(decoding: inner.dropFirst(min(outer, inner.count)), as: UTF8.self)
    }

    /// Whether the flow collections around write no space behind colons and commas.
    private func isCompact(around item: Outline.Item) -> Bool {
        guard outline.isJSON || item.style == .flow else { return false }
        for item in outline.items where item.style == .flow {
            if let key = item.keys.first, let child = item.children.first, key.end < text.count, text[key.end] == 0x3A {
                return outline.items[child].start == key.end + 1
            }
            if item.kind == .sequence, item.children.count > 1 {
                let end = outline.items[item.children[0]].end
                return text[end] == 0x2C && outline.items[item.children[1]].start == end + 1
            }
        }
        return false
    }

    // MARK: Adding

    /// Puts a member (or, without key, an element) behind the last one.
    private mutating func add(_ key: String?, _ value: EditValue, to index: Int) throws(EditProblem) {
        let item = outline.items[index]
        guard let last = item.children.last else {
            return try replace(index, with: key.map { .object([($0, value)]) } ?? .array([value]))
        }
        if item.style == .flow { return addToFlow(key, value, index, last: last) }
        let quotes = quotesKeys(item)
        let column = column(of: item)
        let lines =
            key.map { style.lines($0, value, quotesKeys: quotes, column: column) }
            ?? style.item(value, column: column, quotesKeys: false)
        let block = lines.joined(separator: style.newline)
        let at = nextLine(item.end)
        if at == text.count, text.last != 0x0A {
            change(at..<at, to: style.newline + block)
        } else {
            change(at..<at, to: block + style.newline)
        }
    }

    private mutating func addToFlow(
        _ key: String?, _ value: EditValue, _ index: Int, last: Int
    ) {
        let item = outline.items[index]
        var style = style
        style.isCompact = isCompact(around: item)
        let quotes = quotesKeys(item)
        let start = outline.start(ofChild: item.children.count - 1, in: index)
        let spread = isFirstOnLine(start) && lineStart(start) > item.start
        let indent = String(decoding: text[lineStart(start)...].prefix(while: isSpace), as: UTF8.self)
        let step = spread && outline.isJSON ? self.step(around: item) : nil
        let new =
            key.map {
                style.member($0, value, quotesKeys: quotes, indent: step.map { _ in indent }, step: step ?? "")
            } ?? style.flow(value, quotesKeys: outline.isJSON, indent: step.map { _ in indent }, step: step ?? "")
        let between = spread ? "," + style.newline + indent : style.isCompact ? "," : ", "
        let end = outline.items[last].end
        change(end..<end, to: between + new)
    }

    // MARK: Removing

    private mutating func remove(_ index: Int) throws(EditProblem) {
        let item = outline.items[index]
        guard let parent = item.parent else { throw EditProblem("the root cannot be removed") }
        let owner = outline.items[parent]
        let empty: EditValue = owner.kind == .mapping ? .object([]) : .array([])
        let count = owner.children.count
        if owner.style == .flow {
            if count == 1 { return change(owner.start..<owner.end, to: style.scalar(empty)) }
            if item.position == count - 1 {
                return change(outline.items[owner.children[count - 2]].end..<item.end, to: "")
            }
            let start = outline.start(ofChild: item.position, in: parent)
            return change(start..<outline.start(ofChild: item.position + 1, in: parent), to: "")
        }
        if count == 1 { return try replace(parent, with: empty) }
        let start: Int
        let next: Int?
        if owner.kind == .mapping {
            start = owner.keys[item.position].start
            next = item.position + 1 < count ? owner.keys[item.position + 1].start : nil
        } else {
            guard let own = dash(before: item.start) else { throw EditProblem("cannot be removed in place") }
            start = own
            next =
                item.position + 1 < count ? dash(before: outline.items[owner.children[item.position + 1]].start) : nil
        }
        if isFirstOnLine(start) {
            change(lineStart(start)..<nextLine(item.end), to: "")
        } else if let next {
            change(start..<next, to: "")
        } else {
            throw EditProblem("cannot be removed in place")
        }
    }
}
