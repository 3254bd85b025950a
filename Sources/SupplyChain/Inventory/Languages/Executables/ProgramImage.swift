// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Where the parts of a program lie: an ELF, PE or Mach-O file, read in place. Parts that reach out of the file are cut.
struct ProgramImage {
    struct Part {
        var name: String
        /// In memory, when the program runs.
        var address: UInt64
        /// In the file.
        var offset: Int
        var size: Int
    }

    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var isBigEndian = false
    private(set) var is64Bit = true
    private(set) var sections: [Part] = []
    /// Parts that are loaded into memory, with how to find an address in the file.
    private(set) var segments: [Part] = []
    /// Those of them that a program may write to.
    private(set) var dataSegments: [Part] = []
    private static let maxParts = 10_000

    /// Nil where the bytes are no program.
    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        guard bytes.count >= 64 else { return nil }
        let magic = (bytes[0], bytes[1], bytes[2], bytes[3])
        switch magic {
        case (0x7F, 0x45, 0x4C, 0x46): readELF()
        case (0xCF, 0xFA, 0xED, 0xFE), (0xCE, 0xFA, 0xED, 0xFE):
            is64Bit = bytes[0] == 0xCF
            readMachO()
        case (0xFE, 0xED, 0xFA, 0xCE), (0xFE, 0xED, 0xFA, 0xCF):
            (isBigEndian, is64Bit) = (true, bytes[3] == 0xCF)
            readMachO()
        default:
            guard bytes[0] == 0x4D, bytes[1] == 0x5A, readPE() else { return nil }
        }
    }

    // MARK: Numbers

    /// The number of `size` bytes at an offset; nil out of the file.
    func number(_ offset: Int, _ size: Int) -> UInt64? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        var value: UInt64 = 0
        for index in 0..<size {
            value = value << 8 | UInt64(bytes[offset + (isBigEndian ? index : size - 1 - index)])
        }
        return value
    }

    private func place(_ offset: Int, _ size: Int) -> Int? { number(offset, size).flatMap { Int(exactly: $0) } }

    func text(of part: Part) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[part.offset..<(part.offset + part.size)])
    }

    /// The bytes that lie at an address when the program runs.
    func text(at address: UInt64, count: UInt64) -> UnsafeBufferPointer<UInt8>? {
        for part in segments where address >= part.address && address - part.address < UInt64(part.size) {
            let start = Int(address - part.address)
            guard count <= UInt64(part.size - start) else { return nil }
            return UnsafeBufferPointer(rebasing: bytes[(part.offset + start)..<(part.offset + start + Int(count))])
        }
        return nil
    }

    private func part(_ name: String, _ address: UInt64, _ offset: Int?, _ size: Int?) -> Part? {
        guard let offset, let size, size > 0, offset < bytes.count else { return nil }
        return Part(name: name, address: address, offset: offset, size: min(size, bytes.count - offset))
    }

    private func name(_ start: Int, limit: Int) -> String {
        guard start >= 0, start < bytes.count else { return "" }
        var end = start
        while end < bytes.count, end - start < limit, bytes[end] != 0 { end += 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end]).string
    }

    // MARK: Formats

    private mutating func readELF() {
        is64Bit = bytes[4] == 2
        isBigEndian = bytes[5] == 2
        let word = is64Bit ? 8 : 4
        guard let programs = place(is64Bit ? 32 : 28, word), let table = place(is64Bit ? 40 : 32, word),
            let programSize = place(is64Bit ? 54 : 42, 2), let programCount = place(is64Bit ? 56 : 44, 2),
            let sectionSize = place(is64Bit ? 58 : 46, 2), let sectionCount = place(is64Bit ? 60 : 48, 2),
            let namesIndex = place(is64Bit ? 62 : 50, 2)
        else { return }
        for index in 0..<min(programCount, Self.maxParts) {
            let at = programs &+ index * programSize
            guard number(at, 4) == 1, let flags = number(at &+ (is64Bit ? 4 : 24), 4),
                let address = number(at &+ (is64Bit ? 16 : 8), word),
                let part = part(
                    "", address, place(at &+ (is64Bit ? 8 : 4), word), place(at &+ (is64Bit ? 32 : 16), word))
            else { continue }
            segments.append(part)
            if flags & 2 != 0 { dataSegments.append(part) }
        }
        let names = place(table &+ namesIndex * sectionSize &+ (is64Bit ? 24 : 16), word) ?? -1
        for index in 0..<min(sectionCount, Self.maxParts) {
            let at = table &+ index * sectionSize
            // Type 8 has no bytes in the file.
            guard names >= 0, let nameOffset = place(at, 4), let type = number(at &+ 4, 4), type != 0, type != 8,
                let address = number(at &+ (is64Bit ? 16 : 12), word),
                let part = part(
                    name(names &+ nameOffset, limit: 64), address, place(at &+ (is64Bit ? 24 : 16), word),
                    place(at &+ (is64Bit ? 32 : 20), word))
            else { continue }
            sections.append(part)
        }
    }

    private mutating func readPE() -> Bool {
        guard let header = place(0x3C, 4), number(header, 4) == 0x0000_4550, let count = place(header + 6, 2),
            let optionalSize = place(header + 20, 2), let magic = number(header + 24, 2)
        else { return false }
        is64Bit = magic == 0x20B
        let base = (is64Bit ? number(header + 48, 8) : number(header + 52, 4)) ?? 0
        for index in 0..<min(count, Self.maxParts) {
            let at = header + 24 + optionalSize + index * 40
            guard let address = number(at + 12, 4), let flags = number(at + 36, 4),
                let part = part(name(at, limit: 8), base &+ address, place(at + 20, 4), place(at + 16, 4))
            else { continue }
            sections.append(part)
            segments.append(part)
            // Initialized data that may be read and written.
            if flags & 0xC000_0040 == 0xC000_0040 { dataSegments.append(part) }
        }
        return true
    }

    private mutating func readMachO() {
        guard let commands = place(16, 4) else { return }
        var at = is64Bit ? 32 : 28
        let word = is64Bit ? 8 : 4
        for _ in 0..<min(commands, Self.maxParts) {
            guard let command = number(at, 4), let size = place(at + 4, 4), size >= 8 else { return }
            if command == (is64Bit ? 0x19 : 0x1) {
                let segment = name(at + 8, limit: 16)
                let fields = at + 24
                if let address = number(fields, word),
                    let part = part(segment, address, place(fields + 2 * word, word), place(fields + 3 * word, word))
                {
                    segments.append(part)
                    if segment.hasPrefix("__DATA") { dataSegments.append(part) }
                }
                let count = place(fields + 4 * word + 8, 4) ?? 0
                for index in 0..<min(count, Self.maxParts) {
                    let section = fields + 4 * word + 16 + index * (is64Bit ? 80 : 68)
                    guard sections.count < Self.maxParts, let address = number(section + 32, word),
                        let part = part(
                            name(section, limit: 16), address, place(section + 32 + 2 * word, 4),
                            place(section + 32 + word, word))
                    else { break }
                    sections.append(part)
                }
            }
            at += size
        }
    }
}
