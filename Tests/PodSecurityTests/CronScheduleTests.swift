// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import PodSecurity

@Suite struct CronScheduleTests {
    private func seconds(_ time: String) throws -> Int64 {
        Int64(try Date(time, strategy: .iso8601).timeIntervalSince1970)
    }

    @Test(
        arguments: [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("* * * * *", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z"),
            ("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"),
            ("0 3 * * *", "2026-01-01T02:59:59Z", "2026-01-01T03:00:00Z"),
            ("*/15 * * * *", "2026-01-01T00:46:00Z", "2026-01-01T01:00:00Z"),
            ("10-20/5 * * * *", "2026-01-01T00:10:00Z", "2026-01-01T00:15:00Z"),
            ("5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"),
            ("0,30 9-17 * * *", "2026-01-01T17:30:00Z", "2026-01-02T09:00:00Z"),
            ("0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 29 2 *", "2096-03-01T00:00:00Z", nil),
            ("59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
            // 2026-01-01 is a Thursday; Sunday is 0 and 7.
            ("0 0 * * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("0 0 * * sun", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("0 0 * * MON-FRI", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"),
            ("0 0 * feb *", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("0 0 * * 5-7", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"),
            // Both days restricted: either is enough.
            ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("0 0 13 * 5", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"),
            ("@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
            ("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
            ("@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("  0   3 * *  * ", "2026-01-01T00:00:00Z", "2026-01-01T03:00:00Z"),
            ("0 0 1 1 *", "1969-06-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ] as [(String, String, String?)])
    func nextTime(_ schedule: String, _ after: String, _ expected: String?) throws {
        let next = try CronSchedule(schedule).next(after: try seconds(after))
        #expect(try next == expected.map { try seconds($0) }, "\(schedule) after \(after)")
    }

    /// Against the plainest way to say it: try every minute of two years.
    @Test(arguments: ["7 */6 1-7 * 1", "*/13 2 * 2,3 *", "30 12 28-31 * *"])
    func agreesWithTryingEveryMinute(_ text: String) throws {
        let schedule = try CronSchedule(text)
        let fields = text.split(separator: " ").map(String.init)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        func allows(_ field: String, _ value: Int, from first: Int) -> Bool {
            field.split(separator: ",").contains { part in
                let halves = part.split(separator: "/")
                let ends = halves[0] == "*" ? [first, 99] : halves[0].split(separator: "-").compactMap { Int($0) }
                let step = halves.count > 1 ? Int(halves[1]) ?? 1 : 1
                guard let low = ends.first, let high = ends.last else { return false }
                return value >= low && value <= high && (value - low) % step == 0
            }
        }
        var expected: [Int64] = []
        let start = try seconds("2027-01-01T00:00:00Z")
        for minute in stride(from: start, to: start + 731 * 86_400, by: 60) where expected.count < 20 {
            let parts = calendar.dateComponents(
                [.minute, .hour, .day, .month, .weekday], from: Date(timeIntervalSince1970: Double(minute)))
            let isDay = allows(fields[2], parts.day ?? 0, from: 1)
            let isWeekday = allows(fields[4], (parts.weekday ?? 0) - 1, from: 0)
            let isEither = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
            if allows(fields[0], parts.minute ?? 0, from: 0), allows(fields[1], parts.hour ?? 0, from: 0),
                allows(fields[3], parts.month ?? 0, from: 1), isEither ? isDay || isWeekday : isDay && isWeekday
            {
                expected.append(minute)
            }
        }
        #expect(schedule.next(20, after: start - 60) == expected)
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * 0 *",
        "* * * * 8", "5-1 * * * *", "*/0 * * * *", "*/-1 * * * *", "a * * * *", "1, * * * *", ",1 * * * *",
        "1-2-3 * * * *",
        "1//2 * * * *", "-1 * * * *", "0 0 30 2 *", "0 0 31 4 *", "@often", "0 0 * mon *", "1.5 * * * *", "٣ * * * *",
        String(repeating: "1,", count: 200) + "1 * * * *",
    ]) func malformed(_ text: String) {
        #expect(throws: CronSchedule.Malformed.self) { try CronSchedule(text) }
    }
}
