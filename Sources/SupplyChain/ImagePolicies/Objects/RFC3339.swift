// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Times as Kubernetes writes them: `2027-01-31T00:00:00Z`, with a fraction and an offset where somebody likes them.
enum RFC3339 {
    /// Seconds since 1970; nil when this is no such time. A fraction of a second is left out.
    static func seconds(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        func take(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(digits)
            return value
        }
        func skip(_ either: UInt8...) -> Bool {
            guard let first = rest.first, either.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = take(4), skip(0x2D), let month = take(2), skip(0x2D), let day = take(2), skip(0x54, 0x74),
            let hour = take(2), skip(0x3A), let minute = take(2), skip(0x3A), let second = take(2),
            (1...12).contains(month), day >= 1, day <= length(of: month, in: year), hour < 24, minute < 60, second <= 60
        else { return nil }
        if skip(0x2E) {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            guard digits > 0 else { return nil }
            rest = rest.dropFirst(digits)
        }
        var offset = 0
        if !skip(0x5A, 0x7A) {
            let isWest = rest.first == 0x2D
            guard skip(0x2B, 0x2D), let hours = take(2), skip(0x3A), let minutes = take(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (isWest ? -60 : 60)
        }
        guard rest.isEmpty else { return nil }
        return Int64(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
    }

    /// Days since 1970-01-01 in the Gregorian calendar: those of whole years, then of whole months, then the day.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let before = year - 1
        let leaps = year == 0 ? -1 : before / 4 - before / 100 + before / 400
        let years = 365 * (year - 1970) + leaps - 477
        return years + (1..<month).reduce(0) { $0 + length(of: $1, in: year) } + day - 1
    }

    private static func length(of month: Int, in year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}
