// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Where the parts of one document stand in its text, in byte offsets.
struct Outline {
    enum Style { case plain, single, double, block, flow }
    enum Kind { case scalar, mapping, sequence, alias }

    struct Key {
        var text: String
        var start: Int
        var end: Int
        var isQuoted: Bool
    }

    struct Item {
        var kind: Kind
        /// `.block` for block collections and block scalars, `.flow` for flow collections and all of JSON's.
        var style: Style
        /// With the anchor and tag, if any.
        var start: Int
        /// Behind the last byte of the value, without what follows on its line.
        var end: Int
        var children: [Int] = []
        /// The key of each child of a mapping.
        var keys: [Key] = []
        var parent: Int?
        var position = 0

        var isBlockCollection: Bool { style == .block && kind != .scalar }
    }

    var items: [Item] = []
    let isJSON: Bool

    /// The child of an item at the end of one step.
    func child(of item: Int, _ component: PathComponent) -> Int? {
        switch component {
        case .key(let key):
            guard items[item].kind == .mapping, let at = items[item].keys.firstIndex(where: { $0.text == key }) else {
                return nil
            }
            return items[item].children[at]
        case .index(let index):
            guard items[item].kind == .sequence, items[item].children.indices.contains(index) else { return nil }
            return items[item].children[index]
        }
    }

    /// Where a child begins: its key, or the value itself.
    func start(ofChild number: Int, in item: Int) -> Int {
        items[item].kind == .mapping ? items[item].keys[number].start : items[items[item].children[number]].start
    }

    mutating func add(_ item: Item, to parent: Int?) -> Int {
        var item = item
        item.parent = parent
        if let parent {
            item.position = items[parent].children.count
            items[parent].children.append(items.count)
        }
        items.append(item)
        return items.count - 1
    }
}

extension Outline {
    /// The outline of a text that `JSONReader` accepts.
    init(json text: [UInt8]) {
        isJSON = true
        var at = 0
        func skipSpace() {
            while at < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[at]) { at += 1 }
        }
        func string() -> Range<Int> {
            let start = at
            at += 1
            while at < text.count, text[at] != 0x22 { at += text[at] == 0x5C ? 2 : 1 }
            at += 1
            return start..<at
        }
        var open: [Int] = []
        var key: Key?
        func place(_ item: Item) -> Int {
            if let key, let parent = open.last { items[parent].keys.append(key) }
            key = nil
            return add(item, to: open.last)
        }
        while true {
            skipSpace()
            guard at < text.count else { return }
            switch text[at] {
            case 0x7B, 0x5B:
                let kind: Kind = text[at] == 0x7B ? .mapping : .sequence
                open.append(place(Item(kind: kind, style: .flow, start: at, end: at)))
                at += 1
            case 0x7D, 0x5D:
                at += 1
                if let closed = open.popLast() { items[closed].end = at }
            case 0x2C, 0x3A: at += 1
            case 0x22:
                let range = string()
                skipSpace()
                if let parent = open.last, items[parent].kind == .mapping, key == nil {
                    let quoted = Array(text[range])
                    let name = (try? JSONReader.read(quoted, source: ""))?.root.string ?? ""
                    key = Key(text: name, start: range.lowerBound, end: range.upperBound, isQuoted: true)
                } else {
                    _ = place(Item(kind: .scalar, style: .double, start: range.lowerBound, end: range.upperBound))
                }
            default:
                let start = at
                while at < text.count, ![0x2C, 0x7D, 0x5D, 0x20, 0x0A, 0x0D, 0x09].contains(text[at]) { at += 1 }
                _ = place(Item(kind: .scalar, style: .plain, start: start, end: at))
            }
        }
    }
}
