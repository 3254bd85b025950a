// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The identity of a finding: 128 bits of a SHA-256 over what stays the same while the problem lasts.
public struct Fingerprint: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The first 64 bits.
    public let high: UInt64
    /// The last 64 bits.
    public let low: UInt64

    /// Of two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        let digits: StaticString = "0123456789abcdef"
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for index in 0..<16 {
                buffer[index] = digits.utf8Start[Int(high >> UInt64(60 - 4 * index) & 15)]
                buffer[16 + index] = digits.utf8Start[Int(low >> UInt64(60 - 4 * index) & 15)]
            }
            return 32
        }
    }

    /// Orders by the digits.
    public static func < (left: Fingerprint, right: Fingerprint) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
