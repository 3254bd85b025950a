// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CLibYAML

/// Makes the outline of a YAML document from the events that `YAMLStream` passes by.
final class OutlineBuilder {
    private let text: [UInt8]
    private var lineStarts: [Int] = [0]
    private(set) var outline = Outline(isJSON: false)
    private var open: [Int] = []
    private var key: Outline.Key?

    init(_ text: [UInt8]) {
        self.text = text
        lineStarts += text.withUnsafeBufferPointer { text in
            var starts: [Int] = []
            while let next = YAMLStream.lineEnd(in: text, from: starts.last ?? 0) { starts.append(next) }
            return starts
        }
    }

    /// A new document begins.
    func begin() {
        outline = Outline(isJSON: false)
        open = []
        key = nil
    }

    /// The byte offset of a mark. Marks count characters.
    private func offset(_ mark: yaml_mark_t, _ startLine: Int) -> Int {
        let line = startLine + mark.line
        guard line < lineStarts.count else { return text.count }
        var at = lineStarts[line]
        for _ in 0..<mark.column where at < text.count {
            at += 1
            while at < text.count, text[at] & 0xC0 == 0x80 { at += 1 }
        }
        return at
    }

    func take(_ event: UnsafePointer<yaml_event_t>, startLine: Int) {
        let start = offset(event.pointee.start_mark, startLine)
        let end = offset(event.pointee.end_mark, startLine)
        switch event.pointee.type {
        case YAML_SCALAR_EVENT: scalar(event, start, end)
        case YAML_ALIAS_EVENT:
            if keyIsDue {
                // The alias's own text is no key; nobody edits below it.
                key = Outline.Key(text: "*\(start)", start: start, end: end, isQuoted: false)
            } else {
                place(Outline.Item(kind: .alias, style: .plain, start: start, end: end))
            }
        case YAML_MAPPING_START_EVENT:
            let flow = event.pointee.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
            open.append(place(Outline.Item(kind: .mapping, style: flow ? .flow : .block, start: start, end: end)))
        case YAML_SEQUENCE_START_EVENT:
            let flow = event.pointee.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
            open.append(place(Outline.Item(kind: .sequence, style: flow ? .flow : .block, start: start, end: end)))
        case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT:
            guard let closed = open.popLast() else { return }
            let last = outline.items[closed].children.last.map { outline.items[$0].end }
            outline.items[closed].end = outline.items[closed].style == .flow ? end : last ?? start
        default: break
        }
    }

    private var keyIsDue: Bool {
        open.last.map { outline.items[$0].kind == .mapping && key == nil } ?? false
    }

    @discardableResult
    private func place(_ item: Outline.Item) -> Int {
        if let key, let parent = open.last { outline.items[parent].keys.append(key) }
        key = nil
        return outline.add(item, to: open.last)
    }

    private func scalar(_ event: UnsafePointer<yaml_event_t>, _ start: Int, _ end: Int) {
        let scalar = event.pointee.data.scalar
        let style: Outline.Style =
            switch scalar.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .single
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .double
            case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
            default: .plain
            }
        if keyIsDue {
            let value = UnsafeBufferPointer(start: UnsafePointer(scalar.value), count: scalar.length)
            let tag = scalar.tag.map { String(cString: $0) }
            let resolved = try? YAMLScalar.resolve(value, tag: tag, plain: scalar.plain_implicit != 0)
            let name = resolved.flatMap { try? YAMLComposer.keyText($0, value).get() } ?? Array(value)
            key = Outline.Key(
                text: String(decoding: name, as: UTF8.self), start: start, end: end,
                isQuoted: style == .single || style == .double)
            return
        }
        place(
            Outline.Item(kind: .scalar, style: style, start: start, end: style == .block ? blockEnd(start, end) : end))
    }

    /// A block scalar's mark stands behind the empty lines that follow it. Only with `+` do those belong to it.
    private func blockEnd(_ start: Int, _ end: Int) -> Int {
        let header = text[start..<end].prefix { $0 != 0x0A && $0 != 0x0D && $0 != 0x23 }
        let keeps = header.contains(0x2B)
        var last = end
        while last > start, [0x0A, 0x0D, 0x20, 0x09].contains(text[last - 1]) {
            last -= 1
            if keeps, text[last] == 0x0A {
                return last > start && text[last - 1] == 0x0D ? last - 1 : last
            }
        }
        return last
    }
}
