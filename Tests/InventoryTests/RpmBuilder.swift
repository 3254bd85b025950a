// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Makes headers of rpm and the databases that hold them, for tests.
enum RpmBuilder {
    enum Value {
        case text(String)
        case texts([String])
        case numbers([UInt32])
    }

    static func header(_ fields: [(UInt32, Value)]) -> [UInt8] {
        var index: [UInt8] = []
        var store: [UInt8] = []
        for (tag, value) in fields {
            let (type, count): (UInt32, Int)
            if case .numbers = value { while store.count % 4 != 0 { store.append(0) } }
            let offset = store.count
            switch value {
            case .text(let text):
                (type, count) = (6, 1)
                store += Array(text.utf8) + [0]
            case .texts(let texts):
                (type, count) = (8, texts.count)
                for text in texts { store += Array(text.utf8) + [0] }
            case .numbers(let numbers):
                (type, count) = (4, numbers.count)
                for number in numbers { store += big(number) }
            }
            index += big(tag) + big(type) + big(UInt32(offset)) + big(UInt32(count))
        }
        return big(UInt32(fields.count)) + big(UInt32(store.count)) + index + store
    }

    /// `name`, version 1 and release 2, with files.
    static func package(_ name: String, padding: Int = 0) -> [UInt8] {
        header([
            (1000, .text(name)), (1001, .text("1")), (1002, .text("2.el9")), (1022, .text("x86_64")),
            (1044, .text("the-\(name)-1-2.el9.src.rpm")), (1014, .text("MIT" + String(repeating: ".", count: padding))),
            (1116, .numbers([0, 1, 0])), (1117, .texts(["a", "b", "c"])), (1118, .texts(["/usr/bin/", "/etc/"])),
        ])
    }

    static func big(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }
    static func little(_ number: UInt32) -> [UInt8] { big(number).reversed() }

    static func ndb(_ headers: [[UInt8]]) -> [UInt8] {
        var out = Array("RpmP".utf8) + little(0) + little(1) + little(1) + little(UInt32(headers.count + 1))
        out += [UInt8](repeating: 0, count: 12)
        var blobs: [UInt8] = []
        for (number, header) in headers.enumerated() {
            out += Array("Slot".utf8) + little(UInt32(number + 1)) + little(UInt32((4096 + blobs.count) / 16))
            var blob =
                Array("BlbS".utf8) + little(UInt32(number + 1)) + little(1) + little(UInt32(header.count)) + header
            blob += little(0) + little(UInt32(header.count)) + Array("BlbE".utf8)
            while blob.count % 16 != 0 { blob.append(0) }
            out += little(UInt32(blob.count / 16))
            blobs += blob
        }
        while out.count < 4096 { out += Array("Slot".utf8) + [UInt8](repeating: 0, count: 12) }
        return out + blobs
    }

    /// A hash of Berkeley DB: one page of entries, the rest overflow pages. Small values lie in the page itself.
    static func hash(_ headers: [[UInt8]], pageSize: Int, isBig: Bool, type: UInt8 = 13) -> [UInt8] {
        func word(_ number: Int) -> [UInt8] { isBig ? big(UInt32(number)) : little(UInt32(number)) }
        func half(_ number: Int) -> [UInt8] {
            let bytes = [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
            return isBig ? bytes : bytes.reversed()
        }
        func page(_ number: Int, next: Int, entries: Int, offset: Int, type: UInt8) -> [UInt8] {
            var out = [UInt8](repeating: 0, count: 8) + word(number) + word(0) + word(next) + half(entries)
            out += half(offset) + [0, type]
            return out
        }
        var items: [[UInt8]] = [[1, 0, 0, 0, 0], [1, 9, 0, 0, 0]]
        var overflow: [[UInt8]] = []
        for (number, header) in headers.enumerated() {
            items.append([1] + word(number + 1))
            if header.count < 150 {
                items.append([1] + header)
                continue
            }
            items.append([3, 0, 0, 0] + word(2 + overflow.count) + word(header.count))
            let room = pageSize - 26
            for start in stride(from: 0, to: header.count, by: room) {
                let part = Array(header[start..<min(start + room, header.count)])
                let isLast = start + room >= header.count
                let next = isLast ? 0 : 3 + overflow.count
                let bytes = page(2 + overflow.count, next: next, entries: 1, offset: part.count, type: 7) + part
                overflow.append(bytes + [UInt8](repeating: 0, count: pageSize - bytes.count))
            }
        }
        var table: [UInt8] = []
        var data: [UInt8] = []
        for item in items {
            data = item + data
            table += half(pageSize - data.count)
        }
        var entries = page(1, next: 0, entries: items.count, offset: pageSize - data.count, type: type) + table
        entries += [UInt8](repeating: 0, count: pageSize - entries.count - data.count) + data
        var meta = [UInt8](repeating: 0, count: 8) + word(0) + word(0x061561) + word(9) + word(pageSize) + [0, 8, 0, 0]
        meta += word(0) + word(1 + overflow.count)
        meta += [UInt8](repeating: 0, count: pageSize - meta.count)
        return meta + entries + overflow.joined()
    }
}
