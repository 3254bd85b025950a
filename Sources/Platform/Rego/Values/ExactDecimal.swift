// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A number as it is written, to the last digit: 0.d1d2d3… times ten to the power of `point`.
struct ExactDecimal: Sendable {
    let isNegative: Bool
    /// From the first that is not zero to the last that is not; empty for zero.
    let digits: [UInt8]
    let point: Int

    /// JSON's form of a number; nil for anything else.
    init?(_ text: String) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var bytes = Array(text.utf8)[...]
        isNegative = bytes.first == 0x2D
        if isNegative || bytes.first == 0x2B { bytes = bytes.dropFirst() }
        while let byte = bytes.first {
            bytes = bytes.dropFirst()
            switch byte {
            case 0x30...0x39: digits.append(byte - 0x30)
            case 0x2E where point == nil: point = digits.count
            case 0x45, 0x65:
                guard let parsed = ExactDecimal.exponent(bytes) else { return nil }
                exponent = parsed
                bytes = []
            default: return nil
            }
        }
        guard !digits.isEmpty else { return nil }
        let zeros = digits.prefix { $0 == 0 }.count
        let place = (point ?? digits.count) - zeros
        digits.removeFirst(zeros)
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
        self.point = digits.isEmpty ? 0 : place + exponent
    }

    /// Exponents beyond a quadrillion are all the same to us: they are held there.
    private static func exponent(_ bytes: ArraySlice<UInt8>) -> Int? {
        let isNegative = bytes.first == 0x2D
        let digits = bytes.dropFirst(isNegative || bytes.first == 0x2B ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = min(value * 10 + Int(digit - 0x30), 1_000_000_000_000_000)
        }
        return isNegative ? -value : value
    }

    var isZero: Bool { digits.isEmpty }

    /// Has nothing behind the point.
    var isWhole: Bool { digits.count <= point || isZero }

    static func compare(_ one: ExactDecimal, _ two: ExactDecimal) -> Int {
        if one.isZero || two.isZero {
            if one.isZero, two.isZero { return 0 }
            return one.isZero ? (two.isNegative ? 1 : -1) : (one.isNegative ? -1 : 1)
        }
        if one.isNegative != two.isNegative { return one.isNegative ? -1 : 1 }
        let order: Int
        if one.point != two.point {
            order = one.point < two.point ? -1 : 1
        } else if one.digits == two.digits {
            order = 0
        } else {
            order = one.digits.lexicographicallyPrecedes(two.digits) ? -1 : 1
        }
        return one.isNegative ? -order : order
    }

    /// Whether it is a whole number of times `divisor`; nil when that is too much work to say.
    func isMultiple(of divisor: ExactDecimal) -> Bool? {
        if isZero { return true }
        if divisor.isZero { return false }
        let (power, other) = (point - digits.count, divisor.point - divisor.digits.count)
        let shift = power - other
        guard shift.magnitude <= 2_000, digits.count <= 2_000, divisor.digits.count <= 2_000 else { return nil }
        func whole(_ digits: [UInt8], _ zeros: Int) -> BigInteger? {
            BigInteger(String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self) + String(repeating: "0", count: zeros))
        }
        guard let dividend = whole(digits, max(shift, 0)), let by = whole(divisor.digits, max(-shift, 0)) else {
            return nil
        }
        return dividend.dividing(by: by)?.remainder.isZero
    }
}
