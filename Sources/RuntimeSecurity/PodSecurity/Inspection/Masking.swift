// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents

/// Makes fingerprints, and masks the values of credentials.
package struct Masking: Sendable {
    private let key: SymmetricKey

    /// A key of 32 bytes keeps masks comparable between runs; without one they hold for this process only.
    package init(key: [UInt8]? = nil) {
        self.key = key.map { SymmetricKey(data: $0) } ?? SymmetricKey(size: .bits256)
    }

    /// `"(14 bytes, 9f3a61c2)"`: the length and 32 bits of a keyed hash, which tell a change and no more.
    package func mask(_ value: Node) -> String {
        let text = value.string ?? value.json()
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        let count = text.utf8.count
        var hash = ""
        for byte in code.prefix(4) { hash += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }
        return "\"(\(count) bytes, \(hash))\""
    }
}
