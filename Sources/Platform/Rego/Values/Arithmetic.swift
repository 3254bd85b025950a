// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

#if arch(x86_64)
    /// Go's big.Float carries 64 bits of mantissa when read from text, as this type does.
    package typealias Wide = Float80
#else
    package typealias Wide = Double
#endif

extension Value {
    /// A number as the nearest wide float; nil when this is none.
    package var wide: Wide? {
        switch resolved {
        case .int(let int): Wide(int)
        case .number(let number): Wide(number.text)
        default: nil
        }
    }

    /// A number without a fraction, however it is written; nil for the rest.
    var bigInteger: BigInteger? {
        switch resolved {
        case .int(let int): return BigInteger(int)
        case .number(let number):
            if let whole = BigInteger(number.text) { return whole }
            guard let wide = Wide(number.text), wide == wide.rounded(.towardZero) else { return nil }
            return BigInteger(wide)
        default: return nil
        }
    }

    /// The number that a computation gave: whole where it is, else with the fewest digits that lead back to it.
    init(_ wide: Wide) {
        if wide == wide.rounded(.towardZero), let whole = BigInteger(wide) {
            self = whole.value
        } else {
            self = .number(Number(GoFloat(wide).general))
        }
    }
}

/// Orders two resolved numbers by value.
func compareNumbers(_ one: Value, _ two: Value) -> Int {
    if case .int(let a) = one, case .int(let b) = two { return a < b ? -1 : a == b ? 0 : 1 }
    if let a = one.wholeText, let b = two.wholeText { return BigInteger.compare(a, b) }
    guard let a = one.wide, let b = two.wide else { return 0 }
    // What lies beyond the range of a wide float is compared digit by digit.
    if !a.isFinite || !b.isFinite || a == 0 || b == 0,
        let exact = ExactDecimal(one.numberText), let other = ExactDecimal(two.numberText)
    {
        return ExactDecimal.compare(exact, other)
    }
    return a < b ? -1 : a == b ? 0 : 1
}

extension Value {
    /// A number that is written without fraction and exponent.
    fileprivate var wholeText: BigInteger? {
        switch self {
        case .int(let int): BigInteger(int)
        case .number(let number): BigInteger(number.text)
        default: nil
        }
    }
}

/// A float's shortest digits, put into the forms that Go's strconv knows.
struct GoFloat {
    private let digits: [UInt8]
    /// Where the decimal point stands, counted from the first digit.
    private let point: Int
    private let isNegative: Bool
    private let special: String?

    init(_ value: Wide) { self.init(text: value.description, value.isFinite ? nil : "\(value)") }

    init(_ value: Double) { self.init(text: value.description, value.isFinite ? nil : "\(value)") }

    private init(text: String, _ special: String?) {
        self.special = special.map { $0 == "nan" ? "NaN" : $0 == "inf" ? "+Inf" : "-Inf" }
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let parts = text.split(separator: "e", maxSplits: 1)
        for byte in (parts.first ?? "0").utf8 {
            if byte == 0x2E { point = digits.count }
            if byte >= 0x30, byte <= 0x39 { digits.append(byte) }
        }
        if parts.count == 2 { exponent = Int(parts[1].replacing("+", with: "")) ?? 0 }
        var place = (point ?? digits.count) + exponent
        while digits.count > 1, digits.first == 0x30 {
            digits.removeFirst()
            place -= 1
        }
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
        if digits == [0x30] { place = 1 }
        self.digits = digits
        self.point = place
        isNegative = text.hasPrefix("-")
    }

    private var sign: String { isNegative ? "-" : "" }

    /// `%e` without a fixed precision.
    func exponential(_ letter: String = "e") -> String {
        if let special { return special }
        let exponent = digits == [0x30] ? 0 : point - 1
        let head = String(decoding: digits.prefix(1), as: UTF8.self)
        let rest = String(decoding: digits.dropFirst(), as: UTF8.self)
        let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return sign + head + (rest.isEmpty ? "" : "." + rest) + letter + (exponent < 0 ? "-" : "+") + power
    }

    /// `%f` without a fixed precision.
    var fixed: String {
        if let special { return special }
        let text = String(decoding: digits, as: UTF8.self)
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text }
        if point >= digits.count { return sign + text + String(repeating: "0", count: point - digits.count) }
        return sign + text.prefix(point) + "." + text.dropFirst(point)
    }

    /// `%g` of a big.Float without a fixed precision: exponents from 6 digits on.
    var general: String {
        if let special { return special }
        let exponent = point - 1
        return exponent < -4 || exponent >= 6 ? exponential() : fixed
    }

    /// `%v` of a float64: exponents from 21 digits on.
    var plain: String {
        let exponent = point - 1
        return exponent < -4 || exponent >= 21 ? exponential() : fixed
    }
}
