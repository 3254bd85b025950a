// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension InventoryFile {
    /// The outermost value of a JSON file. Of a key that stands twice the last counts, as the package managers that
    /// write and read these files have it (JavaScript, PHP, Python, .NET). A byte order mark is passed over; comments
    /// are an error, see `jsonWithComments`.
    func json() throws(InventoryError) -> Node {
        try Self.json(bytes, path)
    }

    private static func json(_ bytes: [UInt8], _ path: String) throws(InventoryError) -> Node {
        let result = bytes.withUnsafeBytes { whole in
            Result { () throws(DocumentError) -> Node in
                let text =
                    whole.starts(with: [0xEF, 0xBB, 0xBF]) ? UnsafeRawBufferPointer(rebasing: whole[3...]) : whole
                return try JSONReader.read(text, source: path, limits: Self.limits, duplicateKeys: .last).root
            }
        }
        do throws(DocumentError) { return try result.get() } catch { throw Self.inventoryError(error) }
    }

    private static let limits = DocumentLimits(maxBytes: 256 << 20, maxDepth: 1000, maxNodes: 10_000_000)

    private static func inventoryError(_ error: DocumentError) -> InventoryError {
        let isTooLarge = error.code == .tooLarge || error.code == .tooManyNodes || error.code == .tooDeep
        return InventoryError(isTooLarge ? .tooLarge : .malformed, "\(error)")
    }

    /// JSON with comments and with commas behind last elements, as bun writes it. Both become spaces, so that places in
    /// messages stay right.
    func jsonWithComments() throws(InventoryError) -> Node {
        var text = bytes
        var at = 0
        var comma: Int?
        while at < text.count {
            switch text[at] {
            case 0x22:
                comma = nil
                at += 1
                while at < text.count, text[at] != 0x22 { at += text[at] == 0x5C ? 2 : 1 }
            case 0x2F where at + 1 < text.count && text[at + 1] == 0x2F:
                while at < text.count, text[at] != 0x0A {
                    text[at] = 0x20
                    at += 1
                }
            case 0x2F where at + 1 < text.count && text[at + 1] == 0x2A:
                while at < text.count, !(text[at] == 0x2A && at + 1 < text.count && text[at + 1] == 0x2F) {
                    if text[at] != 0x0A { text[at] = 0x20 }
                    at += 1
                }
                if at + 1 < text.count {
                    text[at] = 0x20
                    text[at + 1] = 0x20
                    at += 1
                }
            case 0x2C: comma = at
            case 0x5D, 0x7D:
                if let place = comma { text[place] = 0x20 }
                comma = nil
            case 0x20, 0x09, 0x0A, 0x0D: break
            default: comma = nil
            }
            at += 1
        }
        return try Self.json(text, path)
    }

    /// The documents of a YAML file.
    func yaml() throws(InventoryError) -> [Node] {
        var reader = YAMLReader(bytes, source: path, limits: Self.limits)
        var roots: [Node] = []
        while let result = reader.next() {
            switch result {
            case .success(let document): roots.append(document.root)
            case .failure(let error): throw Self.inventoryError(error)
            }
        }
        return roots
    }
}

extension Node {
    /// The text of a member; empty where it is missing or no text.
    func text(_ key: StaticString) -> String { self[key]?.string ?? "" }

    /// The elements of a member; none where it is missing or no array.
    func list(_ key: StaticString) -> [Node] { self[key].map { Array($0.elements) } ?? [] }

    /// A text, or a number as it is written: versions in YAML may look like one.
    var scalar: String { string ?? number ?? "" }
}
