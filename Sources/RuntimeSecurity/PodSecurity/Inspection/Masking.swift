// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CCryptoBoringSSL
import Crypto
import Documents

/// Makes fingerprints, and masks the values of credentials.
package struct Masking: Sendable {
    /// HMAC-SHA256 (RFC 2104) with its key worked in, which costs more than the hashing of a value: what the hash holds after
    /// the inner and the outer pad. It calls the library that `Crypto` stands on, whose codes are objects.
    private let inner: SHA256_CTX
    private let outer: SHA256_CTX

    /// A key of 32 bytes keeps masks comparable between runs; without one they hold for this process only.
    package init(key: [UInt8]? = nil) {
        var bytes = key ?? SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        if bytes.count > 64 { bytes = Array(SHA256.hash(data: bytes)) }
        bytes += Array(repeating: 0, count: 64 - bytes.count)
        (inner, outer) = (Self.padded(bytes, 0x36), Self.padded(bytes, 0x5C))
    }

    private static func padded(_ key: [UInt8], _ pad: UInt8) -> SHA256_CTX {
        var hash = SHA256_CTX()
        CCryptoBoringSSL_SHA256_Init(&hash)
        let bytes = key.map { $0 ^ pad }
        CCryptoBoringSSL_SHA256_Update(&hash, bytes, bytes.count)
        return hash
    }

    /// `"(14 bytes, 9f3a61c2)"`: the length and 32 bits of a keyed hash, which tell a change and no more.
    package func mask(_ value: Node) -> String {
        var text = value.string ?? value.json()
        let count = text.utf8.count
        var (inner, outer) = (inner, outer)
        var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        _ = text.withUTF8 { CCryptoBoringSSL_SHA256_Update(&inner, $0.baseAddress, $0.count) }
        withUnsafeMutableBytes(of: &digest) { digest in
            let bytes = digest.baseAddress?.assumingMemoryBound(to: UInt8.self)
            CCryptoBoringSSL_SHA256_Final(bytes, &inner)
            CCryptoBoringSSL_SHA256_Update(&outer, digest.baseAddress, digest.count)
            CCryptoBoringSSL_SHA256_Final(bytes, &outer)
        }
        let hash = UInt32(truncatingIfNeeded: UInt64(bigEndian: digest.0) >> 32)
        let digits = String(hash, radix: 16)
        return "\"(\(count) bytes, \(String(repeating: "0", count: 8 - digits.utf8.count))\(digits))\""
    }
}
