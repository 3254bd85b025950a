// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addSemanticVersions() {
        one("semver.is_valid") { value, _ in .bool(value.text.flatMap { SemanticVersion($0) } != nil) }
        two("semver.compare", [.string], [.string]) { a, b, _ in
            func version(_ value: Value, _ position: Int) throws -> SemanticVersion {
                let text = try value.string(position)
                guard let version = SemanticVersion(text) else {
                    throw BuiltinError(
                        .builtin, "operand \(position): string \(GoQuote.string(text)) is not a valid SemVer")
                }
                return version
            }
            let order = SemanticVersion.compare(try version(a, 1), try version(b, 2))
            return .int(order < 0 ? -1 : order == 0 ? 0 : 1)
        }
    }

    mutating func addUnits() {
        one("units.parse", [.string]) { value, _ in try Units.parse(try value.string(1)) }
        one("units.parse_bytes", [.string]) { value, _ in try Units.parseBytes(try value.string(1)) }
    }
}

/// semver.org 2.0.0.
struct SemanticVersion {
    private let numbers: [BigInteger]
    private let prerelease: [String]

    init?(_ text: String) {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        func areIdentifiers(_ text: Substring) -> Bool {
            text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy {
                        ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D
                    }
            }
        }
        if build.count == 2, !areIdentifiers(build[1]) { return nil }
        let parts = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard areIdentifiers(parts[1]) else { return nil }
            prerelease = parts[1].split(separator: ".").map(String.init)
        } else {
            prerelease = []
        }
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { part -> BigInteger? in
            guard !part.isEmpty, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
            return BigInteger(String(part))
        }
        guard numbers.count == 3 else { return nil }
        self.numbers = numbers.compactMap { $0 }
        guard self.numbers.count == 3 else { return nil }
    }

    static func compare(_ a: SemanticVersion, _ b: SemanticVersion) -> Int {
        for (one, two) in zip(a.numbers, b.numbers) {
            let order = BigInteger.compare(one, two)
            if order != 0 { return order }
        }
        if a.prerelease.isEmpty != b.prerelease.isEmpty { return a.prerelease.isEmpty ? 1 : -1 }
        for (one, two) in zip(a.prerelease, b.prerelease) {
            switch (BigInteger(one), BigInteger(two)) {
            case (let x?, let y?):
                let order = BigInteger.compare(x, y)
                if order != 0 { return order }
            case (_?, nil): return -1
            case (nil, _?): return 1
            case (nil, nil):
                let order = compareBytes(one, two)
                if order != 0 { return order }
            }
        }
        return a.prerelease.count - b.prerelease.count
    }
}

/// Amounts with a unit: `500m`, `10Ki`, `4.5e1GiB`.
enum Units {
    private static let binary: [String: Int] = ["ki": 1, "mi": 2, "gi": 3, "ti": 4, "pi": 5, "ei": 6]
    private static let decimal: [String: Int] = ["k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6]

    /// A number and what follows it.
    private static func cut(_ text: String, _ what: String) throws -> (number: String, unit: String) {
        let stripped = text.replacing("\"", with: "")
        if stripped.contains(" ") { throw BuiltinError(.builtin, "spaces not allowed in resource strings") }
        let bytes = Array(stripped.utf8)
        var end = 0
        func digits() {
            while end < bytes.count, bytes[end] >= 0x30 && bytes[end] <= 0x39 || bytes[end] == 0x2E { end += 1 }
        }
        if let sign = bytes.first, sign == 0x2D || sign == 0x2B { end = 1 }
        digits()
        // An `e` is an exponent only with digits behind it.
        if end > 0, end < bytes.count, bytes[end] | 0x20 == 0x65 {
            var after = end + 1
            if after < bytes.count, bytes[after] == 0x2B || bytes[after] == 0x2D { after += 1 }
            if after < bytes.count, bytes[after] >= 0x30, bytes[after] <= 0x39 {
                end = after
                digits()
            }
        }
        let number = String(decoding: bytes[..<end], as: UTF8.self)
        if number.isEmpty { throw BuiltinError(.builtin, "no \(what) provided") }
        return (number, String(decoding: bytes[end...], as: UTF8.self))
    }

    static func parse(_ text: String) throws -> Value {
        let (number, unit) = try cut(text, "amount")
        let lower = unit.lowercased()
        var factor: (BigInteger, isDivisor: Bool)
        // Of one letter `m` and `M` differ: thousandths and millions.
        if unit == "m" {
            factor = (BigInteger(1000), true)
        } else if unit.isEmpty {
            factor = (BigInteger(1), false)
        } else if let power = binary[lower] {
            factor = (BigInteger(1).shiftedLeft(by: 10 * power), false)
        } else if let power = decimal[lower] {
            factor = (thousands(power), false)
        } else {
            throw BuiltinError(.builtin, "amount unit \(unit) not recognized")
        }
        guard let exact = Ratio(number) else {
            throw BuiltinError(.builtin, "could not parse amount to a number")
        }
        return factor.isDivisor ? exact.divided(by: factor.0).value : exact.multiplied(by: factor.0).value
    }

    static func parseBytes(_ text: String) throws -> Value {
        let (number, unit) = try cut(text.lowercased(), "byte amount")
        var name = unit
        if name.hasSuffix("b") { name.removeLast() }
        let factor: BigInteger
        if unit.isEmpty || unit == "b" {
            factor = BigInteger(1)
        } else if let power = binary[name] {
            factor = BigInteger(1).shiftedLeft(by: 10 * power)
        } else if let power = decimal[name] {
            factor = thousands(power)
        } else {
            throw BuiltinError(.builtin, "byte unit \(unit) not recognized")
        }
        guard let exact = Ratio(number) else {
            throw BuiltinError(.builtin, "could not parse byte amount to a number")
        }
        return exact.multiplied(by: factor).whole.value
    }

    private static func thousands(_ power: Int) -> BigInteger {
        (0..<power).reduce(BigInteger(1)) { product, _ in product * BigInteger(1000) }
    }
}

/// An exact decimal: a whole number over a power of ten or so.
private struct Ratio {
    let top: BigInteger
    let bottom: BigInteger

    init?(_ text: String) {
        guard isNumber(text) else { return nil }
        let parts = text.lowercased().split(separator: "e", maxSplits: 1)
        let digits = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = digits.count == 2 ? String(digits[1]) : ""
        var joined = digits[0] + fraction
        if joined == "-" || joined == "+" || joined.isEmpty { joined = "0" }
        guard var top = BigInteger(String(joined)) else { return nil }
        let exponent = parts.count == 2 ? Int(parts[1].replacing("+", with: "")) ?? 1 << 20 : 0
        guard exponent.magnitude <= 1000 else { return nil }
        var bottom = BigInteger(1)
        let shift = exponent - fraction.count
        for _ in 0..<abs(shift) {
            if shift > 0 { top = top * BigInteger(10) } else { bottom = bottom * BigInteger(10) }
        }
        self.init(top: top, bottom: bottom)
    }

    private init(top: BigInteger, bottom: BigInteger) { (self.top, self.bottom) = (top, bottom) }

    func multiplied(by factor: BigInteger) -> Ratio { Ratio(top: top * factor, bottom: bottom) }
    func divided(by factor: BigInteger) -> Ratio { Ratio(top: top, bottom: bottom * factor) }

    /// Without the fraction.
    var whole: BigInteger { top.dividing(by: bottom)?.quotient ?? BigInteger(0) }

    var value: Value {
        if let parts = top.dividing(by: bottom), parts.remainder.isZero { return parts.quotient.value }
        return Value(top.wide / bottom.wide)
    }
}
