// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension BuiltinTable {
    mutating func addTime() {
        zero("time.now_ns", deterministic: false) { .int($0.now) }
        one("time.parse_rfc3339_ns", [.string]) { value, _ in
            .int(try GoLayout.parse(try value.string(1), layout: "2006-01-02T15:04:05Z07:00"))
        }
        two("time.parse_ns", [.string], [.string]) { layout, value, _ in
            .int(try GoLayout.parse(try value.string(2), layout: GoLayout.named(try layout.string(1))))
        }
        one("time.parse_duration_ns", [.string]) { value, _ in .int(try GoDuration.parse(try value.string(1))) }
        one("time.date", [.number, .array]) { value, _ in
            let moment = try Moment(value)
            return .array([.int(moment.year), .int(moment.month), .int(moment.day)])
        }
        one("time.clock", [.number, .array]) { value, _ in
            let moment = try Moment(value)
            return .array([.int(moment.hour), .int(moment.minute), .int(moment.second)])
        }
        one("time.weekday", [.number, .array]) { value, _ in .string(GoLayout.days[try Moment(value).weekday]) }
        one("time.format", [.number, .array]) { value, _ in
            let moment = try Moment(value)
            let layout = try (value.elements ?? []).dropFirst(2).first?.string(1)
            return .string(GoLayout.format(moment, GoLayout.named(layout ?? "2006-01-02T15:04:05.999999999Z07:00")))
        }
        many("time.add_date", [[.number, .array], [.number], [.number], [.number]]) { arguments, _ in
            let moment = try Moment(arguments[0])
            let (years, months, days) = (try arguments[1].int(2), try arguments[2].int(3), try arguments[3].int(4))
            guard [years, months, days].allSatisfy({ $0.magnitude < 1_000_000_000 }) else { throw Moment.outOfRange }
            let ns = Moment.nanoseconds(
                year: moment.year + years, month: moment.month + months, day: moment.day + days, hour: moment.hour,
                minute: moment.minute, second: moment.second, nanosecond: moment.nanosecond, zone: moment.zone)
            guard let ns else { throw Moment.outOfRange }
            return .int(ns)
        }
        two("time.diff", [.number, .array], [.number, .array]) { a, b, _ in
            var (first, last) = (try Moment(a), try Moment(b))
            last = Moment(nanoseconds: last.nanoseconds, zone: first.zone)
            if first.nanoseconds > last.nanoseconds { swap(&first, &last) }
            var parts = [
                last.year - first.year, last.month - first.month, last.day - first.day, last.hour - first.hour,
                last.minute - first.minute, last.second - first.second,
            ]
            if last.nanosecond < first.nanosecond { parts[5] -= 1 }
            let daysInMonth = Moment.days(inMonth: first.month, year: first.year)
            for (index, size) in [(5, 60), (4, 60), (3, 24), (2, daysInMonth), (1, 12)] where parts[index] < 0 {
                parts[index] += size
                parts[index - 1] -= 1
            }
            return .array(parts.map { .int($0) })
        }
    }
}

/// A point in time as a clock and a calendar of some place show it.
struct Moment {
    let nanoseconds: Int
    let zone: TimeZone
    private(set) var year = 0
    private(set) var month = 0
    private(set) var day = 0
    private(set) var hour = 0
    private(set) var minute = 0
    private(set) var second = 0
    private(set) var nanosecond = 0
    /// 0 is Sunday.
    private(set) var weekday = 0
    private(set) var offset = 0

    static let outOfRange = BuiltinError(.builtin, "time outside of valid range")
    static let utc = TimeZone(secondsFromGMT: 0) ?? .current

    init(nanoseconds: Int, zone: TimeZone) {
        self.nanoseconds = nanoseconds
        self.zone = zone
        var seconds = nanoseconds / 1_000_000_000
        nanosecond = nanoseconds % 1_000_000_000
        if nanosecond < 0 {
            nanosecond += 1_000_000_000
            seconds -= 1
        }
        offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
        let local = seconds + offset
        var days = local / 86_400
        var rest = local % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = ((days + 4) % 7 + 7) % 7
        (year, month, day) = Moment.civil(days)
    }

    /// Nanoseconds, or those and the name of a zone.
    init(_ value: Value) throws {
        var zone = Moment.utc
        var number = value
        if let elements = value.elements {
            guard elements.count >= 2, elements.count <= 3, let first = elements.first else {
                throw BuiltinError(.type, "operand 1 must be either number (ns) or [number (ns), string (tz)]")
            }
            number = first
            let name = try elements[1].string(1)
            switch name {
            case "", "UTC": break
            case "Local": zone = .current
            default:
                guard let found = TimeZone(identifier: name) else {
                    throw BuiltinError(.builtin, "unknown time zone \(name)")
                }
                zone = found
            }
        }
        guard number.kind == .number else {
            throw BuiltinError.operand(1, mustBe: "either number (ns) or [number (ns), string (tz)]", butGot: value)
        }
        guard let ns = number.bigInteger ?? number.wide.flatMap({ BigInteger($0) }) else {
            throw BuiltinError(.builtin, "timestamp too big")
        }
        guard let ns = ns.int else { throw BuiltinError(.builtin, "timestamp too big") }
        self.init(nanoseconds: ns, zone: zone)
    }

    /// The date of a day counted from 1970.
    private static func civil(_ days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Days from 1970 of a date, whose month and day may be beyond their ranges.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let months = year * 12 + month - 1
        let year = months >= 0 ? months / 12 : (months - 11) / 12
        let month = months - year * 12 + 1
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear + day - 1 - 719_468
    }

    static func days(inMonth month: Int, year: Int) -> Int {
        days(year: year, month: month + 1, day: 1) - days(year: year, month: month, day: 1)
    }

    /// Nil when it lies outside of what 64 bits of nanoseconds reach.
    static func nanoseconds(
        year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, nanosecond: Int, offset: Int? = nil,
        zone: TimeZone = utc
    ) -> Int? {
        let local = days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
        var seconds = local - (offset ?? 0)
        if offset == nil {
            // The zone's offset at that time by its own clock.
            let guess = local - zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(local)))
            seconds = local - zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(guess)))
        }
        let whole = BigInteger(seconds) * BigInteger(1_000_000_000) + BigInteger(nanosecond)
        return whole.int
    }
}

/// Go's durations: `1h30m`, `1.5s`, `100ms`.
enum GoDuration {
    static func parse(_ text: String) throws -> Int {
        func invalid() -> BuiltinError { BuiltinError(.builtin, "time: invalid duration \(GoQuote.string(text))") }
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if let sign = rest.first, sign == 0x2D || sign == 0x2B {
            isNegative = sign == 0x2D
            rest.removeFirst()
        }
        if rest.elementsEqual("0".utf8) { return 0 }
        if rest.isEmpty { throw invalid() }
        let units: [(String, Wide)] = [
            ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
            ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ]
        var total: Wide = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !($0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E) }
            rest = rest[unit.endIndex...]
            guard let value = Wide(String(decoding: number, as: UTF8.self)),
                let size = units.first(where: { $0.0.utf8.elementsEqual(unit) })?.1
            else { throw invalid() }
            total += value * size
        }
        total = total.rounded(.towardZero)
        guard let ns = Int(exactly: isNegative ? -total : total) else { throw invalid() }
        return ns
    }
}
