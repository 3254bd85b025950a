// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A whole number of any size: sign and magnitude in base 2^32, the least significant word first, without leading zeros.
struct BigInteger: Sendable, Equatable {
    private(set) var words: [UInt32]
    private(set) var isNegative: Bool

    /// More digits than this are refused: reading takes quadratic time.
    static let maxDigits = 10_000

    private init(words: [UInt32], isNegative: Bool) {
        var words = words
        while words.last == 0 { words.removeLast() }
        self.words = words
        self.isNegative = isNegative && !words.isEmpty
    }

    init(_ value: Int) {
        let magnitude = value.magnitude
        self.init(
            words: [UInt32(truncatingIfNeeded: magnitude), UInt32(truncatingIfNeeded: magnitude >> 32)],
            isNegative: value < 0)
    }

    /// Decimal digits with a sign before them; nil when it is something else or too long.
    init?(_ text: String) {
        let isNegative = text.utf8.first == 0x2D
        let digits = text.utf8.dropFirst(isNegative || text.utf8.first == 0x2B ? 1 : 0)
        guard !digits.isEmpty, digits.count <= BigInteger.maxDigits else { return nil }
        var words: [UInt32] = []
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            var carry = UInt64(digit - 0x30)
            for index in words.indices {
                let product = UInt64(words[index]) * 10 + carry
                words[index] = UInt32(truncatingIfNeeded: product)
                carry = product >> 32
            }
            if carry > 0 { words.append(UInt32(carry)) }
        }
        self.init(words: words, isNegative: isNegative)
    }

    /// The number without its fraction; nil when it is infinite or none.
    init?(_ value: Wide) {
        guard value.isFinite else { return nil }
        var rest = value.magnitude.rounded(.down)
        var words: [UInt32] = []
        let base: Wide = 4_294_967_296
        while rest > 0, words.count < 2048 {
            let quotient = (rest / base).rounded(.down)
            words.append(UInt32(rest - quotient * base))
            rest = quotient
        }
        self.init(words: words, isNegative: value < 0)
    }

    var isZero: Bool { words.isEmpty }

    /// The number where it fits.
    var int: Int? {
        guard words.count <= 2 else { return nil }
        let magnitude = UInt(words.first ?? 0) | (words.count == 2 ? UInt(words[1]) << 32 : 0)
        if isNegative { return magnitude <= UInt(Int.max) + 1 ? Int(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int(exactly: magnitude)
    }

    var wide: Wide {
        let magnitude = words.reversed().reduce(Wide(0)) { $0 * 4_294_967_296 + Wide($1) }
        return isNegative ? -magnitude : magnitude
    }

    var value: Value { int.map { .int($0) } ?? .number(Number(description(radix: 10))) }

    func description(radix: UInt32, uppercase: Bool = false) -> String {
        if isZero { return "0" }
        var rest = words
        var digits: [UInt8] = []
        while !rest.isEmpty {
            var remainder: UInt64 = 0
            for index in rest.indices.reversed() {
                let part = remainder << 32 | UInt64(rest[index])
                rest[index] = UInt32(part / UInt64(radix))
                remainder = part % UInt64(radix)
            }
            while rest.last == 0 { rest.removeLast() }
            let digit = UInt8(remainder)
            digits.append(digit < 10 ? 0x30 + digit : (uppercase ? 0x41 : 0x61) + digit - 10)
        }
        if isNegative { digits.append(0x2D) }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    // MARK: Arithmetic

    static prefix func - (value: BigInteger) -> BigInteger {
        BigInteger(words: value.words, isNegative: !value.isNegative)
    }

    static func + (one: BigInteger, two: BigInteger) -> BigInteger {
        if one.isNegative == two.isNegative {
            return BigInteger(words: sum(one.words, two.words), isNegative: one.isNegative)
        }
        let order = compareMagnitudes(one.words, two.words)
        if order == 0 { return BigInteger(0) }
        return order > 0
            ? BigInteger(words: difference(one.words, two.words), isNegative: one.isNegative)
            : BigInteger(words: difference(two.words, one.words), isNegative: two.isNegative)
    }

    static func - (one: BigInteger, two: BigInteger) -> BigInteger { one + -two }

    static func * (one: BigInteger, two: BigInteger) -> BigInteger {
        var words = [UInt32](repeating: 0, count: one.words.count + two.words.count)
        for (i, a) in one.words.enumerated() {
            var carry: UInt64 = 0
            for (j, b) in two.words.enumerated() {
                let part = UInt64(a) * UInt64(b) + UInt64(words[i + j]) + carry
                words[i + j] = UInt32(truncatingIfNeeded: part)
                carry = part >> 32
            }
            if !two.words.isEmpty { words[i + two.words.count] = UInt32(carry) }
        }
        return BigInteger(words: words, isNegative: one.isNegative != two.isNegative)
    }

    /// Quotient towards zero, and the remainder with the dividend's sign; nil for a zero divisor.
    func dividing(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger)? {
        if divisor.isZero { return nil }
        if BigInteger.compareMagnitudes(words, divisor.words) < 0 { return (BigInteger(0), self) }
        var quotient = [UInt32](repeating: 0, count: words.count)
        var remainder: [UInt32] = []
        for bit in stride(from: words.count * 32 - 1, through: 0, by: -1) {
            BigInteger.doubleInPlace(&remainder, plus: words[bit / 32] >> UInt32(bit % 32) & 1)
            if BigInteger.compareMagnitudes(remainder, divisor.words) >= 0 {
                remainder = BigInteger.difference(remainder, divisor.words)
                while remainder.last == 0 { remainder.removeLast() }
                quotient[bit / 32] |= 1 << UInt32(bit % 32)
            }
        }
        return (
            BigInteger(words: quotient, isNegative: isNegative != divisor.isNegative),
            BigInteger(words: remainder, isNegative: isNegative)
        )
    }

    static func compare(_ one: BigInteger, _ two: BigInteger) -> Int {
        if one.isNegative != two.isNegative { return one.isNegative ? -1 : 1 }
        let order = compareMagnitudes(one.words, two.words)
        return one.isNegative ? -order : order
    }

    private static func compareMagnitudes(_ a: [UInt32], _ b: [UInt32]) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for index in a.indices.reversed() where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        return 0
    }

    private static func sum(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var words: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<max(a.count, b.count) {
            let part = UInt64(index < a.count ? a[index] : 0) + UInt64(index < b.count ? b[index] : 0) + carry
            words.append(UInt32(truncatingIfNeeded: part))
            carry = part >> 32
        }
        words.append(UInt32(carry))
        return words
    }

    /// `a` is not less than `b`.
    private static func difference(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var words = a
        var borrow: Int64 = 0
        for index in a.indices {
            var part = Int64(a[index]) - borrow - (index < b.count ? Int64(b[index]) : 0)
            borrow = part < 0 ? 1 : 0
            if part < 0 { part += 1 << 32 }
            words[index] = UInt32(part)
        }
        return words
    }

    private static func doubleInPlace(_ words: inout [UInt32], plus bit: UInt32) {
        var carry = bit
        for index in words.indices {
            let next = words[index] >> 31
            words[index] = words[index] << 1 | carry
            carry = next
        }
        if carry > 0 { words.append(carry) }
    }

    // MARK: Bits, as if of two's complement without end

    func shiftedLeft(by count: Int) -> BigInteger {
        var shifted = [UInt32](repeating: 0, count: count / 32)
        var carry: UInt64 = 0
        for word in words {
            let part = UInt64(word) << UInt64(count % 32) | carry
            shifted.append(UInt32(truncatingIfNeeded: part))
            carry = part >> 32
        }
        shifted.append(UInt32(carry))
        return BigInteger(words: shifted, isNegative: isNegative)
    }

    /// Rounds towards negative infinity.
    func shiftedRight(by count: Int) -> BigInteger {
        // -x >> n is -((x - 1) >> n) - 1.
        if isNegative { return -((-self - BigInteger(1)).shiftedRight(by: count)) - BigInteger(1) }
        guard count / 32 < words.count else { return BigInteger(0) }
        let kept = Array(words[(count / 32)...])
        let bits = UInt64(count % 32)
        let shifted = kept.indices.map { index in
            let high = index + 1 < kept.count ? UInt64(kept[index + 1]) << 32 : 0
            return UInt32(truncatingIfNeeded: (high | UInt64(kept[index])) >> bits)
        }
        return BigInteger(words: shifted, isNegative: false)
    }

    func combined(with other: BigInteger, _ operation: (UInt32, UInt32) -> UInt32) -> BigInteger {
        let count = max(words.count, other.words.count) + 1
        let (a, b) = (complement(count), other.complement(count))
        return BigInteger.fromComplement(zip(a, b).map(operation))
    }

    private func complement(_ count: Int) -> [UInt32] {
        var padded = words + [UInt32](repeating: 0, count: count - words.count)
        if !isNegative { return padded }
        var carry: UInt64 = 1
        for index in padded.indices {
            let part = UInt64(~padded[index]) + carry
            padded[index] = UInt32(truncatingIfNeeded: part)
            carry = part >> 32
        }
        return padded
    }

    private static func fromComplement(_ words: [UInt32]) -> BigInteger {
        guard let last = words.last, last >> 31 == 1 else { return BigInteger(words: words, isNegative: false) }
        var magnitude = words
        var carry: UInt64 = 1
        for index in magnitude.indices {
            let part = UInt64(~magnitude[index]) + carry
            magnitude[index] = UInt32(truncatingIfNeeded: part)
            carry = part >> 32
        }
        return BigInteger(words: magnitude, isNegative: true)
    }
}
