// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CCryptoBoringSSL
import Findings

/// The part of a fingerprint that all findings of one object share: 128 bits of SHA-256 over its identity.
///
/// It calls the library that `Crypto` stands on: a digest of `Crypto` is an object, and to make and free one costs more
/// than to hash the one block that a fingerprint is made of, a million times in a large list.
struct SubjectDigest {
    private let half: (UInt64, UInt64)

    init(_ subject: Subject) {
        // The version of the API is no part of an identity.
        half = Self.hash([subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name])
    }

    func fingerprint(check: String, container: String) -> Fingerprint {
        let count = 16 + check.utf8.count + 1 + container.utf8.count
        let digest = Self.hash(byteCount: count) { text in
            text.storeBytes(of: half.0, as: UInt64.self)
            text.storeBytes(of: half.1, toByteOffset: 8, as: UInt64.self)
            var end = Self.put(check, into: text, at: 16)
            // A byte that no UTF-8 text holds keeps the parts apart.
            text[end] = .max
            end = Self.put(container, into: text, at: end + 1)
        }
        return Fingerprint(high: UInt64(bigEndian: digest.0), low: UInt64(bigEndian: digest.1))
    }

    private static func hash(_ parts: [String]) -> (UInt64, UInt64) {
        hash(byteCount: parts.reduce(0) { $0 + $1.utf8.count + 1 }) { text in
            var end = 0
            for part in parts {
                end = put(part, into: text, at: end)
                text[end] = .max
                end += 1
            }
        }
    }

    /// Copies a text and returns where it ends.
    @inline(__always)
    private static func put(_ text: String, into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        let count = text.utf8.count
        let place = UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + count])
        if text.utf8.withContiguousStorageIfAvailable({ place.copyBytes(from: $0) }) == nil {
            place.copyBytes(from: text.utf8)
        }
        return offset + count
    }

    /// The first 128 bits of the SHA-256 of what `fill` writes, in the order of memory.
    @inline(__always)
    private static func hash(
        byteCount count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> (UInt64, UInt64) {
        // What fits into one block with its end mark and length, as nearly all does, needs none of the library's bookkeeping.
        guard count < 56 else { return hashLong(byteCount: count, fill) }
        var block = InlineArray<8, UInt64>(repeating: 0)
        var state = initialState
        withUnsafeMutableBytes(of: &block) { block in
            fill(UnsafeMutableRawBufferPointer(rebasing: block[..<count]))
            block[count] = 0x80
            block.storeBytes(of: UInt64(8 * count).bigEndian, toByteOffset: 56, as: UInt64.self)
            withUnsafeMutableBytes(of: &state) { state in
                CCryptoBoringSSL_SHA256_TransformBlocks(
                    state.baseAddress?.assumingMemoryBound(to: UInt32.self),
                    block.baseAddress?.assumingMemoryBound(to: UInt8.self), 1)
            }
        }
        return (pair(state[0], state[1]), pair(state[2], state[3]))
    }

    /// Two words of the state as the bytes that stand for them in the digest.
    @inline(__always)
    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
        (UInt64(first) << 32 | UInt64(second)).bigEndian
    }

    /// SHA-256's state before the first block (FIPS 180-4).
    private static let initialState: InlineArray<8, UInt32> = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    private static func hashLong(
        byteCount count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> (UInt64, UInt64) {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { text in
            fill(text)
            var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &digest) { digest in
                _ = CCryptoBoringSSL_SHA256(
                    text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count,
                    digest.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
            return (digest.0, digest.1)
        }
    }
}
