// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Go's layouts of times, written as the time `Mon Jan 2 15:04:05 MST 2006` would look.
enum GoLayout {
    static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// The layout that Go's time package gives a name.
    static func named(_ layout: String) -> String {
        switch layout {
        case "ANSIC": "Mon Jan _2 15:04:05 2006"
        case "UnixDate": "Mon Jan _2 15:04:05 MST 2006"
        case "RubyDate": "Mon Jan 02 15:04:05 -0700 2006"
        case "RFC822": "02 Jan 06 15:04 MST"
        case "RFC822Z": "02 Jan 06 15:04 -0700"
        case "RFC850": "Monday, 02-Jan-06 15:04:05 MST"
        case "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST"
        case "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700"
        case "RFC3339": "2006-01-02T15:04:05Z07:00"
        case "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00"
        default: layout
        }
    }

    private enum Piece {
        case text([UInt8])
        case field(String)
        /// A fraction of so many digits; trailing zeros are left out for nines.
        case fraction(separator: UInt8, digits: Int, isFixed: Bool)
    }

    private static let fields = [
        "January", "Jan", "Monday", "Mon", "MST", "2006", "Z07:00:00", "Z070000", "Z07:00", "Z0700", "Z07",
        "-07:00:00", "-070000", "-07:00", "-0700", "-07", "002", "01", "02", "03", "04", "05", "06", "15", "_2", "__2",
        "PM",
        "pm", "1", "2", "3", "4", "5",
    ]

    private static func pieces(_ layout: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Array(layout.utf8)[...]
        var text: [UInt8] = []
        scan: while let byte = rest.first {
            if byte == 0x2E || byte == 0x2C, let digit = rest.dropFirst().first, digit == 0x30 || digit == 0x39 {
                let digits = rest.dropFirst().prefix { $0 == digit }
                let after = rest.dropFirst(digits.count + 1).first
                if after.map({ $0 < 0x30 || $0 > 0x39 }) ?? true {
                    if !text.isEmpty { pieces.append(.text(text)) }
                    text = []
                    pieces.append(.fraction(separator: byte, digits: digits.count, isFixed: digit == 0x30))
                    rest = rest.dropFirst(digits.count + 1)
                    continue
                }
            }
            for field in fields where rest.starts(with: field.utf8) {
                // `Jan` begins no longer word, `_2` no year.
                if field == "Jan", let next = rest.dropFirst(3).first, next >= 0x61, next <= 0x7A { continue }
                if field == "_2", rest.starts(with: "_2006".utf8) { continue }
                if !text.isEmpty { pieces.append(.text(text)) }
                text = []
                pieces.append(.field(field))
                rest = rest.dropFirst(field.utf8.count)
                continue scan
            }
            text.append(byte)
            rest.removeFirst()
        }
        if !text.isEmpty { pieces.append(.text(text)) }
        return pieces
    }

    // MARK: Format

    static func format(_ moment: Moment, _ layout: String) -> String {
        func two(_ value: Int, _ fill: String = "0") -> String { value < 10 ? "\(fill)\(value)" : "\(value)" }
        var result = ""
        for piece in pieces(layout) {
            switch piece {
            case .text(let bytes): result += String(decoding: bytes, as: UTF8.self)
            case .fraction(let separator, let digits, let isFixed):
                let all = "\(1_000_000_000 + moment.nanosecond)".dropFirst().prefix(digits)
                var shown = String(all)
                if !isFixed { while shown.hasSuffix("0") { shown.removeLast() } }
                if !shown.isEmpty { result += String(Character(Unicode.Scalar(separator))) + shown }
            case .field(let field):
                switch field {
                case "January": result += months[moment.month - 1]
                case "Jan": result += months[moment.month - 1].prefix(3)
                case "Monday": result += days[moment.weekday]
                case "Mon": result += days[moment.weekday].prefix(3)
                case "MST":
                    result += ZoneNames.name(moment)
                case "2006":
                    result += String(repeating: "0", count: max(4 - "\(moment.year)".count, 0)) + "\(moment.year)"
                case "06": result += two(moment.year % 100)
                case "01": result += two(moment.month)
                case "1": result += "\(moment.month)"
                case "02": result += two(moment.day)
                case "2": result += "\(moment.day)"
                case "_2": result += two(moment.day, " ")
                case "002", "__2":
                    let day =
                        "\(Moment.days(year: moment.year, month: moment.month, day: moment.day) - Moment.days(year: moment.year, month: 1, day: 1) + 1)"
                    result += String(repeating: field == "002" ? "0" : " ", count: 3 - day.count) + day
                case "15": result += two(moment.hour)
                case "03": result += two((moment.hour + 11) % 12 + 1)
                case "3": result += "\((moment.hour + 11) % 12 + 1)"
                case "04": result += two(moment.minute)
                case "4": result += "\(moment.minute)"
                case "05": result += two(moment.second)
                case "5": result += "\(moment.second)"
                case "PM": result += moment.hour >= 12 ? "PM" : "AM"
                case "pm": result += moment.hour >= 12 ? "pm" : "am"
                default: result += zone(field, moment.offset)
                }
            }
        }
        return result
    }

    private static func zone(_ field: String, _ offset: Int) -> String {
        if field.hasPrefix("Z"), offset == 0 { return "Z" }
        let magnitude = abs(offset)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let separator = field.contains(":") ? ":" : ""
        let digits = field.dropFirst().filter { $0 != ":" }.count
        var text = (offset < 0 ? "-" : "+") + two(magnitude / 3600)
        if digits >= 4 { text += separator + two(magnitude / 60 % 60) }
        if digits >= 6 { text += separator + two(magnitude % 60) }
        return text
    }

    // MARK: Parse

    static func parse(_ value: String, layout: String) throws -> Int {
        func failure() -> BuiltinError {
            BuiltinError(
                .builtin, "parsing time \(GoQuote.string(value)) as \(GoQuote.string(layout)): cannot parse")
        }
        var rest = Array(value.utf8)[...]
        func number(_ least: Int, _ most: Int) throws -> Int {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.prefix(most)
            guard digits.count >= least, let value = Int(String(decoding: digits, as: UTF8.self)) else {
                throw failure()
            }
            rest = rest.dropFirst(digits.count)
            return value
        }
        func word(_ words: [String], short: Bool) throws -> Int {
            for (index, word) in words.enumerated() {
                let text = short ? String(word.prefix(3)) : word
                let given = String(decoding: rest.prefix(text.utf8.count), as: UTF8.self)
                if given.lowercased() == text.lowercased() {
                    rest = rest.dropFirst(text.utf8.count)
                    return index
                }
            }
            throw failure()
        }
        var (year, month, day) = (0, 1, 1)
        var (hour, minute, second, nanosecond) = (0, 0, 0, 0)
        var isAfternoon: Bool?
        var offset = 0
        func fraction() {
            guard rest.first == 0x2E || rest.first == 0x2C else { return }
            let digits = rest.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }
            if digits.isEmpty { return }
            rest = rest.dropFirst(digits.count + 1)
            let text = String(decoding: digits.prefix(9), as: UTF8.self)
            nanosecond = Int(text + String(repeating: "0", count: 9 - text.count)) ?? 0
        }
        let pieces = pieces(layout)
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .text(let bytes):
                guard rest.starts(with: bytes) else { throw failure() }
                rest = rest.dropFirst(bytes.count)
            case .fraction(_, let digits, let isFixed):
                if isFixed {
                    guard rest.first == 0x2E || rest.first == 0x2C,
                        rest.dropFirst().prefix(while: { $0 >= 0x30 && $0 <= 0x39 }).count >= digits
                    else { throw failure() }
                }
                fraction()
            case .field(let field):
                switch field {
                case "January": month = try word(months, short: false) + 1
                case "Jan": month = try word(months, short: true) + 1
                case "Monday": _ = try word(days, short: false)
                case "Mon": _ = try word(days, short: true)
                case "2006": year = try number(4, 4)
                case "06":
                    let short = try number(2, 2)
                    year = short >= 69 ? 1900 + short : 2000 + short
                case "01": month = try number(2, 2)
                case "1": month = try number(1, 2)
                case "02": day = try number(2, 2)
                case "2", "_2":
                    if field == "_2", rest.first == 0x20 { rest.removeFirst() }
                    day = try number(1, 2)
                case "15": hour = try number(1, 2)
                case "03": hour = try number(2, 2)
                case "3": hour = try number(1, 2)
                case "04": minute = try number(2, 2)
                case "4": minute = try number(1, 2)
                case "05", "5":
                    second = try number(field == "05" ? 2 : 1, 2)
                    // A fraction may follow though the layout has none.
                    if index + 1 < pieces.count, case .fraction = pieces[index + 1] {} else { fraction() }
                case "PM", "pm":
                    let given = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
                    guard given == "pm" || given == "am" else { throw failure() }
                    isAfternoon = given == "pm"
                    rest = rest.dropFirst(2)
                case "MST":
                    guard let (length, hours) = ZoneNames.read(rest) else { throw failure() }
                    rest = rest.dropFirst(length)
                    // A name by itself says nothing of the distance to UTC, but for `GMT+3`.
                    if let hours { offset = hours * 3600 }
                case "002": day = try number(3, 3)
                default:
                    if field.hasPrefix("Z"), rest.first == 0x5A {
                        rest.removeFirst()
                        continue
                    }
                    guard let sign = rest.popFirst(), sign == 0x2B || sign == 0x2D else { throw failure() }
                    let digits = field.dropFirst().filter { $0 != ":" }.count
                    func colon() throws {
                        guard field.contains(":") else { return }
                        guard rest.popFirst() == 0x3A else { throw failure() }
                    }
                    offset = try number(2, 2) * 3600
                    if digits >= 4 {
                        try colon()
                        offset += try number(2, 2) * 60
                    }
                    if digits >= 6 {
                        try colon()
                        offset += try number(2, 2)
                    }
                    if sign == 0x2D { offset = -offset }
                }
            }
        }
        if let isAfternoon {
            if isAfternoon, hour < 12 { hour += 12 } else if !isAfternoon, hour == 12 { hour = 0 }
        }
        guard rest.isEmpty, (1...12).contains(month), day >= 1, day <= Moment.days(inMonth: month, year: year),
            hour < 24,
            minute < 60, second < 60
        else { throw failure() }
        let ns = Moment.nanoseconds(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, nanosecond: nanosecond,
            offset: offset)
        guard let ns else { throw Moment.outOfRange }
        return ns
    }
}
