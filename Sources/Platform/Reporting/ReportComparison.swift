// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What became better and what worse between two runs: problems are matched by fingerprint.
package struct ReportComparison: Sendable {
    /// A problem that one of the runs, or both, saw.
    package struct Item: Sendable, Equatable {
        package var fingerprint: Fingerprint
        package var checkID: String
        package var severity: Severity
        package var subject: Subject
        package var container: String
        package var message: String
        /// nil where the run did not see it.
        package var before: Outcome?
        package var after: Outcome?
    }

    /// Gone, or less bad than it was.
    package private(set) var better: [Item] = []
    /// New, or worse than it was.
    package private(set) var worse: [Item] = []
    package private(set) var unchanged: [Item] = []

    package init(before: [CheckResult], after: [CheckResult]) {
        self.init(before: before.map { Item($0) }, after: after.map { Item($0) })
    }

    /// The findings that each run saw, whatever became of them since.
    package init(before: [Finding], after: [Finding]) {
        self.init(before: before.map { Item($0) }, after: after.map { Item($0) })
    }

    /// Items that carry their run's outcome in `after`.
    private init(before: [Item], after: [Item]) {
        var old: [Fingerprint: Item] = [:]
        for item in before where Self.weight(item.after) > Self.weight(old[item.fingerprint]?.after) {
            old[item.fingerprint] = item
        }
        var seen: Set<Fingerprint> = []
        for var item in after where Self.weight(item.after) > 0 && seen.insert(item.fingerprint).inserted {
            item.before = old.removeValue(forKey: item.fingerprint)?.after
            let change = Self.weight(item.after) - Self.weight(item.before)
            if change > 0 {
                worse.append(item)
            } else if change < 0 {
                better.append(item)
            } else {
                unchanged.append(item)
            }
        }
        for var item in old.values {
            (item.before, item.after) = (item.after, nil)
            better.append(item)
        }
        better.sort(by: Self.precedes)
        worse.sort(by: Self.precedes)
        unchanged.sort(by: Self.precedes)
    }

    /// An error is as bad as a failure: nobody knows that it is less.
    private static func weight(_ outcome: Outcome?) -> Int {
        switch outcome {
        case nil, .pass, .skip: 0
        case .warn: 1
        case .fail, .error: 2
        }
    }

    /// Worst first, then as tables list subjects.
    private static func precedes(_ left: Item, _ right: Item) -> Bool {
        if left.severity != right.severity { return left.severity > right.severity }
        if left.subject != right.subject { return left.subject < right.subject }
        if left.checkID != right.checkID { return left.checkID < right.checkID }
        return left.fingerprint < right.fingerprint
    }
}

extension ReportComparison.Item {
    init(_ result: CheckResult) {
        self.init(
            fingerprint: result.fingerprint, checkID: result.check.id, severity: result.check.severity,
            subject: result.subject, container: result.container, message: result.message, before: nil,
            after: result.outcome)
    }

    init(_ finding: Finding) {
        self.init(
            fingerprint: finding.fingerprint, checkID: finding.checkID, severity: finding.severity,
            subject: finding.subject, container: finding.container, message: finding.message, before: nil,
            after: finding.outcome)
    }
}

extension TreeWriter {
    /// `{better[], worse[], unchanged[]}` of `{fingerprint, check, severity, subject, container, message, before, after}`.
    package mutating func comparison(_ comparison: ReportComparison) {
        beginObject()
        items("better", comparison.better)
        items("worse", comparison.worse)
        items("unchanged", comparison.unchanged)
        endObject()
    }

    private mutating func items(_ name: StaticString, _ items: [ReportComparison.Item]) {
        key(name)
        beginArray()
        for item in items {
            beginObject()
            field("fingerprint", item.fingerprint.description)
            field("check", item.checkID)
            field("severity", item.severity.description)
            key("subject")
            subject(item.subject)
            field("container", item.container)
            field("message", item.message)
            outcome("before", item.before)
            outcome("after", item.after)
            endObject()
        }
        endArray()
    }

    private mutating func outcome(_ name: StaticString, _ outcome: Outcome?) {
        key(name)
        if let outcome { string(outcome.rawValue) } else { null() }
    }
}

/// A comparison at a terminal.
package enum ComparisonText {
    package static func write(
        _ comparison: ReportComparison, to output: inout OutputBuffer, width: Int, colour: Bool = false
    ) {
        let style = TerminalStyle(isOn: colour)
        for (title, items) in [("Worse", comparison.worse), ("Better", comparison.better)] where !items.isEmpty {
            output.append(style.apply(.bold, "\(title): \(items.count)") + "\n")
            var table = TextTable([
                TextTable.Column("SEVERITY"), TextTable.Column("CHECK"), TextTable.Column("SUBJECT", least: 12),
                TextTable.Column("WAS", optional: true), TextTable.Column("IS", optional: true),
                TextTable.Column("MESSAGE", least: 12, optional: true),
            ])
            for item in items {
                table.add([
                    TextTable.Cell(TableEncoder.short(item.severity), ink: TableEncoder.ink(item.severity)),
                    TextTable.Cell(item.checkID), TextTable.Cell(item.subject.display),
                    TextTable.Cell(item.before?.rawValue ?? "-"), TextTable.Cell(item.after?.rawValue ?? "-"),
                    TextTable.Cell(item.message),
                ])
            }
            table.write(to: &output, width: width, colour: colour)
            output.append("\n")
        }
        output.append(
            "\(comparison.better.count) better, \(comparison.worse.count) worse, \(comparison.unchanged.count) unchanged\n"
        )
    }
}
