// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Makes programs with the parts that matter, for tests.
enum ProgramBuilder {
    static func number(_ value: Int, _ size: Int, _ isBig: Bool = false) -> [UInt8] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        return isBig ? bytes.reversed() : bytes
    }

    /// An ELF file with one writable segment at 0x400000 that holds `data`, and a section for it where it has a name.
    static func elf(_ data: [UInt8], section: String, is64Bit: Bool = true, isBig: Bool = false) -> [UInt8] {
        func n(_ value: Int, _ size: Int) -> [UInt8] { number(value, size, isBig) }
        let word = is64Bit ? 8 : 4
        let (headerSize, programSize, sectionSize) = is64Bit ? (64, 56, 64) : (52, 32, 40)
        let start = (headerSize + programSize + 63) & ~63
        let names = [UInt8(0)] + Array(section.utf8) + [0]
        let namesAt = start + data.count
        let table = (namesAt + names.count + 15) & ~15
        var out: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, is64Bit ? 2 : 1, isBig ? 2 : 1, 1] + n(0, 9)
        out += n(2, 2) + n(62, 2) + n(1, 4) + n(0, word) + n(headerSize, word) + n(section.isEmpty ? 0 : table, word)
        out += n(0, 4) + n(headerSize, 2) + n(programSize, 2) + n(1, 2) + n(sectionSize, 2)
        out += n(section.isEmpty ? 0 : 3, 2) + n(section.isEmpty ? 0 : 2, 2)
        if is64Bit {
            out +=
                n(1, 4) + n(6, 4) + n(start, 8) + n(0x400000, 8) + n(0, 8) + n(data.count, 8) + n(data.count, 8)
                + n(16, 8)
        } else {
            out +=
                n(1, 4) + n(start, 4) + n(0x400000, 4) + n(0, 4) + n(data.count, 4) + n(data.count, 4) + n(6, 4)
                + n(16, 4)
        }
        out += [UInt8](repeating: 0, count: start - out.count) + data + names
        out += [UInt8](repeating: 0, count: table - out.count)
        func entry(_ name: Int, _ type: Int, _ address: Int, _ offset: Int, _ size: Int) -> [UInt8] {
            n(name, 4) + n(type, 4) + n(0, word) + n(address, word) + n(offset, word) + n(size, word) + n(0, 4)
                + n(0, 4)
                + n(0, word) + n(0, word)
        }
        out += entry(0, 0, 0, 0, 0) + entry(1, 1, 0x400000, start, data.count) + entry(0, 3, 0, namesAt, names.count)
        return out
    }

    static func pe(_ data: [UInt8], section: String) -> [UInt8] {
        var out: [UInt8] = [0x4D, 0x5A] + number(0, 58) + number(64, 4)
        out += [0x50, 0x45, 0, 0] + number(0x8664, 2) + number(1, 2) + number(0, 12) + number(112, 2) + number(0, 2)
        out += number(0x20B, 2) + number(0, 22) + number(0x400000, 8) + number(0, 80)
        let start = (out.count + 40 + 63) & ~63
        out += Array(section.utf8) + number(0, 8 - section.utf8.count) + number(data.count, 4) + number(0x1000, 4)
        out += number(data.count, 4) + number(start, 4) + number(0, 12) + number(0xC000_0040, 4)
        return out + number(0, start - out.count) + data
    }

    static func machO(_ data: [UInt8], section: String) -> [UInt8] {
        func padded(_ text: String) -> [UInt8] { Array(text.utf8) + number(0, 16 - text.utf8.count) }
        let start = (32 + 72 + 80 + 63) & ~63
        var out: [UInt8] = [0xCF, 0xFA, 0xED, 0xFE] + number(0, 12) + number(1, 4) + number(152, 4) + number(0, 8)
        out += number(0x19, 4) + number(152, 4) + padded("__DATA") + number(0x400000, 8) + number(data.count, 8)
        out += number(start, 8) + number(data.count, 8) + number(0, 8) + number(1, 4) + number(0, 4)
        out +=
            padded(section) + padded("__DATA") + number(0x400000, 8) + number(data.count, 8) + number(start, 4)
            + number(0, 28)
        return out + number(0, start - out.count) + data
    }

    static let mark: [UInt8] = [0xFF] + Array(" Go buildinf:".utf8)

    private static func framed(_ modules: String) -> [UInt8] {
        [UInt8](repeating: 0x30, count: 16) + Array(modules.utf8) + [UInt8](repeating: 0xF9, count: 16)
    }

    /// The form since Go 1.18.
    static func goInline(version: String, modules: String) -> [UInt8] {
        func text(_ bytes: [UInt8]) -> [UInt8] {
            var length = bytes.count
            var out: [UInt8] = []
            while length >= 0x80 {
                out.append(UInt8(length & 0x7F) | 0x80)
                length >>= 7
            }
            return out + [UInt8(length)] + bytes
        }
        return mark + [8, 2] + number(0, 16) + text(Array(version.utf8)) + text(framed(modules))
    }

    /// The form before, for a segment at 0x400000.
    static func goPointers(version: String, modules: String, size: Int, isBig: Bool) -> [UInt8] {
        func n(_ value: Int) -> [UInt8] { number(value, size, isBig) }
        let (a, b) = (Array(version.utf8), framed(modules))
        let base = 0x400000
        let strings = 64
        let texts = strings + 4 * size
        var out = mark + [UInt8(size), isBig ? 1 : 0] + n(base + strings) + n(base + strings + 2 * size)
        out += number(0, strings - out.count)
        out += n(base + texts) + n(a.count) + n(base + texts + a.count) + n(b.count)
        return out + a + b
    }
}
