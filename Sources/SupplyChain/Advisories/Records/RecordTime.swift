// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Times of RFC 3339 in seconds since 1970.
package enum RecordTime {
    /// 0 for what is no time, and for times before 1970 (Go's zero time is in the year 1).
    package static func seconds(_ text: String) -> Int64 {
        let bytes = Array(text.utf8.prefix(40))
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte &- 0x30 < 10 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), (1...12).contains(month),
            (1...31).contains(day), year >= 1970, bytes[4] == 0x2D, bytes[7] == 0x2D
        else { return 0 }
        // Days since 1970 by counting years from March on.
        let (y, m) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
        var seconds = days * 86_400
        guard bytes.count >= 19, bytes[10] | 0x20 == 0x74, let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19)
        else { return seconds }
        seconds += hour * 3600 + minute * 60 + second
        if let sign = bytes[19...].lastIndex(where: { $0 == 0x2B || $0 == 0x2D }), let h = number(sign + 1..<sign + 3),
            let m = number(sign + 4..<sign + 6)
        {
            seconds -= (bytes[sign] == 0x2B ? 1 : -1) * (h * 3600 + m * 60)
        }
        return max(seconds, 0)
    }

    /// `2026-08-21T10:00:00Z`
    static func text(_ seconds: Int64) -> String {
        let days = seconds / 86_400 + 719_468
        let era = days / 146_097
        let ofEra = days - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * m + 2) / 5 + 1
        let month = m < 10 ? m + 3 : m - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let rest = seconds % 86_400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
