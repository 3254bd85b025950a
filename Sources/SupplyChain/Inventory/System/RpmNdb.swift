// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// rpm's own database: pages of slots that say in which blocks of 16 bytes the headers lie. Numbers have the low byte
/// first.
enum RpmNdb {
    private static let block = 16
    private static let page = 4096

    static func headers(
        _ bytes: UnsafeBufferPointer<UInt8>, _ file: InventoryFile, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(InventoryError) {
        func number(_ at: Int) -> Int {
            Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
        }
        func isMagic(_ at: Int, _ text: StaticString) -> Bool { bytes.dropping(at).starts(with: text) }

        guard bytes.count >= 32 else { throw file.malformed("the database breaks off in its header") }
        guard number(4) == 0 else { throw file.unsupported("version \(number(4)) of rpm's ndb database") }
        let slots = number(12) * page
        guard slots > 0, slots <= bytes.count else {
            throw file.malformed("the database says that it has \(number(12)) pages of slots, which it has not")
        }
        // No two headers share a block, so that nobody can make us read the same bytes without end.
        var read = 0
        var starts: Set<Int> = []
        for slot in stride(from: 32, to: slots, by: 16) {
            guard isMagic(slot, "Slot") else { throw file.malformed("the slot at byte \(slot) is broken") }
            let index = number(slot + 4)
            let start = number(slot + 8) * block
            guard index != 0, start != 0 else { continue }
            guard start + 16 <= bytes.count, isMagic(start, "BlbS"), number(start + 4) == index else {
                throw file.malformed("package \(index) has no header at byte \(start)")
            }
            let length = number(start + 12)
            guard length <= bytes.count - start - 16 else {
                throw file.malformed("the header of package \(index) runs out of the file")
            }
            read += length
            guard read <= bytes.count, starts.insert(start).inserted else { throw file.malformed("headers overlap") }
            body(UnsafeBufferPointer(rebasing: bytes[(start + 16)..<(start + 16 + length)]))
        }
    }
}
