// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Seconds and nanoseconds, 0 to 999,999,999 of them: a moment since 1970 or a span.
package struct CELTime: Sendable, Hashable, Comparable {
    package let seconds: Int
    package let nanoseconds: Int

    init(seconds: Int, nanoseconds: Int = 0) {
        let carry = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
        self.seconds = seconds + carry
        self.nanoseconds = nanoseconds - carry * 1_000_000_000
    }

    package static func < (one: CELTime, two: CELTime) -> Bool {
        (one.seconds, one.nanoseconds) < (two.seconds, two.nanoseconds)
    }

    static func + (one: CELTime, two: CELTime) -> CELTime {
        CELTime(seconds: one.seconds + two.seconds, nanoseconds: one.nanoseconds + two.nanoseconds)
    }

    static func - (one: CELTime, two: CELTime) -> CELTime {
        CELTime(seconds: one.seconds - two.seconds, nanoseconds: one.nanoseconds - two.nanoseconds)
    }

    /// From the year 1 to the year 9999.
    var isMoment: Bool { seconds >= -62_135_596_800 && seconds <= 253_402_300_799 }
    /// What 64 bits of nanoseconds hold.
    var isSpan: Bool { seconds.magnitude <= 9_223_372_036 && totalNanoseconds != nil }

    var totalNanoseconds: Int? {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return nil }
        let (sum, overflow2) = product.addingReportingOverflow(nanoseconds)
        return overflow2 ? nil : sum
    }

    // MARK: Spans

    /// `1h30m`, `-1.5s`, `100ms`
    static func span(_ text: String) -> CELTime? {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == 0x2D
        if rest.first == 0x2D || rest.first == 0x2B { rest.removeFirst() }
        if rest.elementsEqual("0".utf8) { return CELTime(seconds: 0) }
        guard !rest.isEmpty else { return nil }
        let units: [(String, Decimal)] = [
            ("ns", 1), ("us", 1000), ("µs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ]
        var total: Decimal = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !($0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E) }
            rest = rest[unit.endIndex...]
            guard number.count <= 30, number.contains(where: { $0 != 0x2E }),
                let value = Decimal(string: String(decoding: number, as: UTF8.self)),
                let size = units.first(where: { $0.0.utf8.elementsEqual(unit) })?.1
            else { return nil }
            total += value * size
        }
        guard total <= Decimal(Int.max) else { return nil }
        var rounded = Decimal()
        NSDecimalRound(&rounded, &total, 0, .down)
        let text = "\(rounded)"
        guard let magnitude = UInt64(text), magnitude <= UInt64(Int.max) else { return nil }
        return CELTime(seconds: 0, nanoseconds: isNegative ? -Int(magnitude) : Int(magnitude))
    }

    /// `-1.5s`
    var spanText: String {
        let isNegative = seconds < 0
        let (whole, fraction) =
            isNegative && nanoseconds > 0 ? (-(seconds + 1), 1_000_000_000 - nanoseconds) : (abs(seconds), nanoseconds)
        return (isNegative ? "-" : "") + "\(whole)" + CELTime.fraction(fraction) + "s"
    }

    private static func fraction(_ nanoseconds: Int) -> String {
        if nanoseconds == 0 { return "" }
        var digits = String("\(1_000_000_000 + nanoseconds)".dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "." + digits
    }

    // MARK: Moments

    /// RFC 3339.
    static func moment(_ text: String) -> CELTime? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return nil
            }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func byte(_ at: Int) -> UInt8 { at < bytes.count ? bytes[at] : 0 }
        guard let year = number(0..<4), byte(4) == 0x2D, let month = number(5..<7), byte(7) == 0x2D,
            let day = number(8..<10), byte(10) | 0x20 == 0x74, let hour = number(11..<13), byte(13) == 0x3A,
            let minute = number(14..<16), byte(16) == 0x3A, let second = number(17..<19), year >= 1, hour < 24,
            minute < 60,
            second < 60, (1...12).contains(month), day >= 1, day <= days(inMonth: month, year: year)
        else { return nil }
        var at = 19
        var nanoseconds = 0
        if byte(at) == 0x2E {
            let digits = bytes[(at + 1)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard !digits.isEmpty, digits.count <= 9 else { return nil }
            let text = String(decoding: digits, as: UTF8.self)
            nanoseconds = Int(text + String(repeating: "0", count: 9 - text.count)) ?? 0
            at += digits.count + 1
        }
        var offset = 0
        if byte(at) | 0x20 == 0x7A {
            at += 1
        } else {
            guard byte(at) == 0x2B || byte(at) == 0x2D, let hours = number((at + 1)..<(at + 3)), byte(at + 3) == 0x3A,
                let minutes = number((at + 4)..<(at + 6)), hours < 24, minutes < 60
            else { return nil }
            offset = (byte(at) == 0x2D ? -1 : 1) * (hours * 3600 + minutes * 60)
            at += 6
        }
        guard at == bytes.count else { return nil }
        let seconds = days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        let time = CELTime(seconds: seconds, nanoseconds: nanoseconds)
        return time.isMoment ? time : nil
    }

    struct Fields {
        var year, month, day, hour, minute, second, weekday, dayOfYear: Int
    }

    /// The calendar of a zone by name or `+01:00`; UTC without one. Nil for an unknown zone.
    func fields(_ zone: String?) -> Fields? {
        var offset = 0
        if let zone, !zone.isEmpty, zone != "UTC" {
            if let fixed = CELTime.offset(zone) {
                offset = fixed
            } else {
                guard let known = TimeZone(identifier: zone) else { return nil }
                offset = known.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
            }
        }
        let local = seconds + offset
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let rest = local - day * 86_400
        let (year, month, date) = CELTime.civil(day)
        return Fields(
            year: year, month: month, day: date, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60,
            weekday: ((day + 4) % 7 + 7) % 7, dayOfYear: day - CELTime.days(year: year, month: 1, day: 1))
    }

    private static func offset(_ zone: String) -> Int? {
        let sign = zone.hasPrefix("-") ? -1 : 1
        let body = zone.hasPrefix("-") || zone.hasPrefix("+") ? zone.dropFirst() : zone[...]
        let parts = body.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let hours = Int(parts[0]), let minutes = Int(parts[1]), hours < 24, minutes < 60 else {
            return nil
        }
        return sign * (hours * 3600 + minutes * 60)
    }

    var momentText: String {
        guard let fields = fields(nil) else { return "" }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let year = String(repeating: "0", count: max(4 - "\(fields.year)".count, 0)) + "\(fields.year)"
        return "\(year)-\(two(fields.month))-\(two(fields.day))T\(two(fields.hour)):\(two(fields.minute)):"
            + "\(two(fields.second))\(CELTime.fraction(nanoseconds))Z"
    }

    private static func civil(_ days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let real = month < 10 ? month + 3 : month - 9
        return (year + era * 400 + (real <= 2 ? 1 : 0), real, ofYear - (153 * month + 2) / 5 + 1)
    }

    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let ofEra = shifted - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear + day - 1 - 719_468
    }

    private static func days(inMonth month: Int, year: Int) -> Int {
        month == 12 ? 31 : days(year: year, month: month + 1, day: 1) - days(year: year, month: month, day: 1)
    }
}
