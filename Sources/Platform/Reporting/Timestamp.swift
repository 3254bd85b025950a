// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Writes points in time without Foundation.
package enum Timestamp {
    /// `2026-03-01T09:30:00Z` for seconds since 1970; years outside 0 to 9999 are held to that range.
    package static func iso8601(_ seconds: Int64) -> String { text(seconds, separator: "T", end: "Z") }

    /// `2026-03-01 09:30:00 UTC`, for people.
    package static func readable(_ seconds: Int64) -> String { text(seconds, separator: " ", end: " UTC") }

    /// `2026-03-01T09:30:00`: the form without a zone that JUnit's schema wants.
    static func zoneless(_ seconds: Int64) -> String { text(seconds, separator: "T", end: "") }

    private static func text(_ seconds: Int64, separator: String, end: String) -> String {
        let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let days = seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400)
        let rest = seconds - days * 86_400
        let (year, month, day) = civil(days)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))\(separator)"
            + "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))\(end)"
    }

    private static func pad(_ value: Int64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01: years are shifted to begin in March, so that the
    /// leap day is a year's last, and split into eras of 400 years (146,097 days).
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1
        )
    }
}
