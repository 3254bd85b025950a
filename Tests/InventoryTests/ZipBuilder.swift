// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Makes zips without compression, for tests.
enum ZipBuilder {
    static func archive(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        func half(_ number: Int) -> [UInt8] {
            [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
        }
        func word(_ number: Int) -> [UInt8] { half(number) + half(number >> 16) }
        var (out, folder): ([UInt8], [UInt8]) = ([], [])
        for (name, bytes) in files {
            let sizes = word(Int(checksum(bytes))) + word(bytes.count) + word(bytes.count)
            let common = half(20) + half(0x800) + half(0) + half(0) + half(0) + sizes + half(name.utf8.count) + half(0)
            folder += [0x50, 0x4B, 1, 2] + half(20) + common + half(0) + half(0) + half(0) + word(0) + word(out.count)
            folder += Array(name.utf8)
            out += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + bytes
        }
        let end = half(0) + half(0) + half(files.count) + half(files.count) + word(folder.count) + word(out.count)
        return out + folder + [0x50, 0x4B, 5, 6] + end + half(0)
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}
