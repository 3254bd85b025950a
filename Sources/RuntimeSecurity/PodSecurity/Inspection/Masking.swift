// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents

/// Makes fingerprints, and masks the values of credentials.
package struct Masking: Sendable {
    /// The code with its key worked in, which costs more than the hashing of a value.
    private let keyed: HMAC<SHA256>

    /// A key of 32 bytes keeps masks comparable between runs; without one they hold for this process only.
    package init(key: [UInt8]? = nil) {
        keyed = HMAC(key: key.map { SymmetricKey(data: $0) } ?? SymmetricKey(size: .bits256))
    }

    /// `"(14 bytes, 9f3a61c2)"`: the length and 32 bits of a keyed hash, which tell a change and no more.
    package func mask(_ value: Node) -> String {
        let text = Array((value.string ?? value.json()).utf8)
        var code = keyed
        code.update(data: text)
        let hash = code.finalize().withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
        let digits = String(hash, radix: 16)
        return "\"(\(text.count) bytes, \(String(repeating: "0", count: 8 - digits.utf8.count))\(digits))\""
    }
}
