// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Names paths by 62 bits of SipHash-1-3 (Aumasson and Bernstein) under a random key. An image cannot choose two paths that
/// share a name, so that a file of one could hide that of another.
package struct PathHash: Sendable, Hashable {
    package let key: (UInt64, UInt64)

    package init(key: (UInt64, UInt64) = (.random(in: .min ... .max), .random(in: .min ... .max))) { self.key = key }

    package static func == (left: PathHash, right: PathHash) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(key.0)
        hasher.combine(key.1)
    }

    /// The lowest two bits are zero: room for a mark.
    func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var v0 = key.0 ^ 0x736f_6d65_7073_6575
        var v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        var v2 = key.0 ^ 0x6c79_6765_6e65_7261
        var v3 = key.1 ^ 0x7465_6462_7974_6573
        @inline(__always) func round() {
            v0 &+= v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 &+= v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 &+= v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
        let whole = bytes.count & ~7
        var index = 0
        while index < whole {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            v3 ^= word
            round()
            v0 ^= word
            index += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while index < bytes.count {
            last |= UInt64(bytes[index]) << shift
            shift += 8
            index += 1
        }
        v3 ^= last
        round()
        v0 ^= last
        v2 ^= 0xff
        round()
        round()
        round()
        return (v0 ^ v1 ^ v2 ^ v3) & ~3
    }

    func callAsFunction(_ path: String) -> UInt64 {
        var path = path
        return path.withUTF8 { self(UnsafeRawBufferPointer($0)) }
    }
}
