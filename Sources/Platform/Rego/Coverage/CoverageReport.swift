// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Marks in the forms that users of opa know.
package struct RegoCoverage: Sendable {
    private let marks: [RegoInstruments.Mark]

    package init(_ marks: [RegoInstruments.Mark]) { self.marks = marks }

    /// Rows of files that have lines to come to, and whether an evaluation came there.
    private var rows: [(file: String, rows: [(row: Int, isCovered: Bool)])] {
        var found: [String: [Int: Bool]] = [:]
        for mark in marks {
            let place = mark.location
            found[place.file, default: [:]][place.row] = (found[place.file]?[place.row] ?? false) || mark.count > 0
        }
        return found.keys.sorted().map { file in
            (file, (found[file] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    /// Per cent of the lines, 0 to 100; 100 when there are none.
    package var percent: Double {
        let all = rows.flatMap(\.rows)
        return RegoCoverage.percent(all.count { $0.isCovered }, all.count)
    }

    private static func percent(_ covered: Int, _ all: Int) -> Double {
        all == 0 ? 100 : (Double(covered) * 10_000 / Double(all)).rounded() / 100
    }

    private static func number(_ value: Double) -> Value {
        value == value.rounded() ? .int(Int(value)) : .number(Number("\(value)"))
    }

    /// `{"files": {name: {"covered", "not_covered", …}}, "covered_lines", "not_covered_lines", "coverage"}`
    package var json: Value {
        var files: [(Value, Value)] = []
        var (covered, missed) = (0, 0)
        for (file, rows) in rows {
            let (hit, gone) = (rows.filter(\.isCovered).map(\.row), rows.filter { !$0.isCovered }.map(\.row))
            covered += hit.count
            missed += gone.count
            var members: [(Value, Value)] = []
            if !hit.isEmpty { members.append((.string("covered"), RegoCoverage.ranges(hit))) }
            if !gone.isEmpty { members.append((.string("not_covered"), RegoCoverage.ranges(gone))) }
            members += RegoCoverage.counts(hit.count, gone.count)
            files.append((.string(file), .object(ObjectValue(members))))
        }
        return .object(
            ObjectValue([(.string("files"), .object(ObjectValue(files)))] + RegoCoverage.counts(covered, missed)))
    }

    private static func counts(_ covered: Int, _ missed: Int) -> [(Value, Value)] {
        [
            (.string("covered_lines"), .int(covered)), (.string("not_covered_lines"), .int(missed)),
            (.string("coverage"), number(percent(covered, covered + missed))),
        ]
    }

    /// Rows that follow each other as one range.
    private static func ranges(_ rows: [Int]) -> Value {
        var found: [(start: Int, end: Int)] = []
        for row in rows {
            if let last = found.last, last.end + 1 == row {
                found[found.count - 1].end = row
            } else {
                found.append((row, row))
            }
        }
        func place(_ row: Int) -> Value { .object(ObjectValue([(.string("row"), .int(row))])) }
        return .array(
            found.map { range in
                .object(ObjectValue([(.string("start"), place(range.start)), (.string("end"), place(range.end))]))
            })
    }

    /// The lines that took longest, first: `{"total_time_ns", "num_eval", "location"}`
    package func profile(limit: Int) -> Value {
        let longest = marks.filter { $0.count > 0 }.sorted {
            ($1.nanoseconds, $0.location.file, $0.location.row, $0.location.column)
                < ($0.nanoseconds, $1.location.file, $1.location.row, $1.location.column)
        }
        return .array(
            longest.prefix(limit).map { mark in
                let location = ObjectValue([
                    (.string("file"), .string(mark.location.file)), (.string("row"), .int(mark.location.row)),
                    (.string("col"), .int(mark.location.column)),
                ])
                return .object(
                    ObjectValue([
                        (.string("total_time_ns"), .int(mark.nanoseconds)), (.string("num_eval"), .int(mark.count)),
                        (.string("location"), .object(location)),
                    ]))
            })
    }
}
