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
        var (check, container) = (check, container)
        return check.withUTF8 { check in
            container.withUTF8 { container in
                let count = 16 + check.count + 1 + container.count
                return withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { text in
                    text.storeBytes(of: half.0, as: UInt64.self)
                    text.storeBytes(of: half.1, toByteOffset: 8, as: UInt64.self)
                    Self.put(check, into: text, at: 16)
                    // A byte that no UTF-8 text holds keeps the parts apart.
                    text[16 + check.count] = .max
                    Self.put(container, into: text, at: 17 + check.count)
                    let digest = Self.hash(text)
                    return Fingerprint(high: UInt64(bigEndian: digest.0), low: UInt64(bigEndian: digest.1))
                }
            }
        }
    }

    private static func hash(_ parts: [String]) -> (UInt64, UInt64) {
        let count = parts.reduce(0) { $0 + $1.utf8.count + 1 }
        return withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { text in
            var end = 0
            for part in parts {
                var part = part
                part.withUTF8 { put($0, into: text, at: end) }
                end += part.utf8.count
                text[end] = .max
                end += 1
            }
            return hash(text)
        }
    }

    @inline(__always)
    private static func put(
        _ bytes: UnsafeBufferPointer<UInt8>, into text: UnsafeMutableRawBufferPointer, at offset: Int
    ) {
        UnsafeMutableRawBufferPointer(rebasing: text[offset..<offset + bytes.count]).copyBytes(from: bytes)
    }

    /// The first 128 bits of the SHA-256, in the order of memory.
    private static func hash(_ text: UnsafeMutableRawBufferPointer) -> (UInt64, UInt64) {
        var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &digest) { digest in
            _ = CCryptoBoringSSL_SHA256(
                text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count,
                digest.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return (digest.0, digest.1)
    }
}
