// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// A schedule of five cron fields in UTC: minute, hour, day of the month, month, day of the week.
///
/// Fields take `*`, numbers, ranges `a-b`, steps `*/n` and `a-b/n`, lists with commas, and three-letter names of months and
/// days; Sunday is 0 and 7. When both days are restricted, either one is enough, as in every cron.
package struct CronSchedule: Sendable, Equatable {
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    private let minutes: Set<Int>
    private let hours: Set<Int>
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    private let isEitherDay: Bool

    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    package init(_ text: String) throws(Malformed) {
        guard text.utf8.count <= 200 else { throw Malformed(description: "the schedule is too long") }
        let fields = (Self.shorthands[text] ?? text).split(separator: " ", omittingEmptySubsequences: true).map(
            String.init)
        guard fields.count == 5 else {
            throw Malformed(
                description: "a schedule has five fields (minute hour day month weekday), not \(fields.count)")
        }
        minutes = try Self.field(fields[0], "minute", 0...59)
        hours = try Self.field(fields[1], "hour", 0...23)
        days = try Self.field(fields[2], "day", 1...31)
        months = try Self.field(fields[3], "month", 1...12, names: Self.monthNames, first: 1)
        weekdays = Set(try Self.field(fields[4], "weekday", 0...7, names: Self.dayNames, first: 0).map { $0 % 7 })
        isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        guard next(after: 0) != nil else { throw Malformed(description: "no such day ever comes") }
    }

    private static func field(
        _ text: String, _ name: String, _ range: ClosedRange<Int>, names: [String] = [], first: Int = 0
    ) throws(Malformed) -> Set<Int> {
        func number(_ text: Substring) throws(Malformed) -> Int {
            if let index = names.firstIndex(of: text.lowercased()) { return index + first }
            guard let value = Int(text), range.contains(value) else {
                throw Malformed(
                    description: "\(name): '\(text)' is not between \(range.lowerBound) and \(range.upperBound)")
            }
            return value
        }
        var values: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var step = 1
            if halves.count == 2 {
                guard let value = Int(halves[1]), value > 0, value <= range.upperBound else {
                    throw Malformed(description: "\(name): '\(halves[1])' is no step")
                }
                step = value
            }
            let ends = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            let span: ClosedRange<Int>
            if halves[0] == "*" {
                span = range
            } else if ends.count == 2 {
                let (low, high) = (try number(ends[0]), try number(ends[1]))
                guard low <= high else { throw Malformed(description: "\(name): '\(halves[0])' runs backwards") }
                span = low...high
            } else {
                let value = try number(halves[0])
                span = halves.count == 2 ? value...range.upperBound : value...value
            }
            values.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
        }
        return values
    }

    /// The next time strictly after `time`, both in seconds since 1970; nil when none comes within five years.
    package func next(after time: Int64) -> Int64? {
        var day = Self.floor(time + 60, 86_400)
        var minute = Int((Self.floor(time + 60, 60) - day) / 60)
        for _ in 0..<(366 * 5 + 1) {
            if matches(day: day) {
                for candidate in minute..<1440 where hours.contains(candidate / 60) && minutes.contains(candidate % 60)
                {
                    return day + Int64(candidate) * 60
                }
            }
            day += 86_400
            minute = 0
        }
        return nil
    }

    /// The next times, at most `count`.
    package func next(_ count: Int, after time: Int64) -> [Int64] {
        var times: [Int64] = []
        while times.count < count, let time = next(after: times.last ?? time) { times.append(time) }
        return times
    }

    private static func floor(_ time: Int64, _ unit: Int64) -> Int64 { time - ((time % unit) + unit) % unit }

    private func matches(day start: Int64) -> Bool {
        // Days since 1970 to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
        let days = start / 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1)
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        let weekday = Int((days % 7 + 11) % 7)
        guard months.contains(month) else { return false }
        let (isDay, isWeekday) = (self.days.contains(day), weekdays.contains(weekday))
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }
}
