// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The timestamps go-yaml v2 knows. They stay texts in JSON, so only an explicit `!!timestamp` needs the test.
enum GoTimestamp {
    /// `2006-1-2`, `2006-1-2T15:4:5[.9]Z|±07:00` (T or t), `2006-1-2 15:4:5[.9]`.
    static func matches(_ text: some Collection<UInt8>) -> Bool {
        var rest = Array(text)[...]
        func number(_ digits: ClosedRange<Int>) -> Int? {
            let run = rest.prefix(digits.upperBound).prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard run.count >= digits.lowerBound else { return nil }
            rest = rest.dropFirst(run.count)
            return run.reduce(0) { $0 * 10 + Int($1) - 0x30 }
        }
        func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4...4), take(0x2D), let month = number(1...2), take(0x2D), let day = number(1...2),
            (1...12).contains(month), day >= 1, day <= length(of: month, in: year)
        else { return false }
        if rest.isEmpty { return true }
        let withZone = take(0x54) || take(0x74)
        guard withZone || take(0x20) else { return false }
        guard let hour = number(1...2), take(0x3A), let minute = number(1...2), take(0x3A), let second = number(1...2),
            hour < 24, minute < 60, second < 60
        else { return false }
        if take(0x2E) || take(0x2C) {
            guard number(1...9) != nil else { return false }
            rest = rest.drop { $0 >= 0x30 && $0 <= 0x39 }
        }
        guard withZone else { return rest.isEmpty }
        if take(0x5A) { return rest.isEmpty }
        guard take(0x2B) || take(0x2D), let zoneHour = number(2...2), take(0x3A), let zoneMinute = number(2...2) else {
            return false
        }
        return zoneHour <= 24 && zoneMinute < 60 && rest.isEmpty
    }

    private static func length(of month: Int, in year: Int) -> Int {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}
