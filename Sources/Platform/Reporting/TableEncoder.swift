// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The report for people at a terminal: per subject its problems, worst first; then what is wrong and how to mend it,
/// once per check; then the counts.
struct TableEncoder: ReportEncoder {
    /// A subject with more results than this is written in parts.
    private static let groupLimit = 1000
    private static let severityWidth = 8
    private static let idWidth = 11

    private var output: OutputBuffer
    private let width: Int
    private let style: TerminalStyle
    private let showAll: Bool
    private var group: [CheckResult] = []
    private var problems: [String: (check: Check, results: Int)] = [:]
    private var exempted = 0
    private var wroteSubject = false
    private var source = ""

    init(output: OutputBuffer, options: EncodingOptions) {
        self.output = output
        width = min(max(options.width, 40), 200)
        style = TerminalStyle(isOn: options.colour)
        showAll = options.showAll
    }

    mutating func begin(_ context: ReportContext) {
        source = DisplayText.safe(context.source)
    }

    mutating func add(_ result: CheckResult) {
        if result.outcome == .skip, result.exemption != nil { exempted += 1 }
        guard result.outcome.isProblem || showAll else { return }
        if let first = group.first, first.subject != result.subject || group.count >= Self.groupLimit {
            writeGroup(isContinued: first.subject == result.subject)
        }
        group.append(result)
        if result.outcome.isProblem { problems[result.check.id, default: (result.check, 0)].results += 1 }
    }

    mutating func finish(_ summary: Summary) {
        writeGroup(isContinued: false)
        writeChecks()
        writeSummary(summary)
        output.flush()
    }

    // MARK: Subjects

    private mutating func writeGroup(isContinued: Bool) {
        guard let first = group.first else { return }
        if wroteSubject { output.append("\n") }
        wroteSubject = true
        writeHeading(first)
        // Stable: results of one check keep the order of the containers.
        let order = group.indices.sorted { left, right in
            let (left, right) = (Self.rank(group[left], left), Self.rank(group[right], right))
            return left < right
        }
        for index in order { writeRow(group[index]) }
        group.removeAll(keepingCapacity: true)
    }

    static func rank(_ result: CheckResult, _ index: Int) -> (Int, Int, String, Int) {
        (result.outcome.isProblem ? 0 : 1, -result.check.severity.rawValue, result.check.id, index)
    }

    private mutating func writeHeading(_ result: CheckResult) {
        let name = DisplayText.cut(DisplayText.safe(result.subject.display), to: width)
        output.append(style.apply(.bold, name))
        if let source = result.source {
            let file = source.file == "-" ? "standard input" : DisplayText.safe(source.file)
            // The object's first line that matters; each row names its own.
            let line = group.compactMap { $0.source?.line }.filter { $0 > 0 }.min() ?? 0
            let place = line > 0 ? "\(file):\(line)" : file
            let used = DisplayText.width(name)
            if used + 2 + DisplayText.width(place) <= width {
                output.append("  ")
            } else {
                output.append("\n  ")
            }
            output.append(style.apply(.faint, DisplayText.cutStart(place, to: width - 2)))
        } else if !result.subject.cluster.isEmpty {
            let cluster = DisplayText.safe(result.subject.cluster)
            let room = width - DisplayText.width(name) - 2
            if room >= 8 { output.append("  " + style.apply(.faint, DisplayText.cut(cluster, to: room))) }
        }
        output.append("\n")
    }

    private mutating func writeRow(_ result: CheckResult) {
        let (label, ink) = Self.label(result)
        output.append("  ")
        output.append(style.apply(ink, DisplayText.pad(label, to: Self.severityWidth)))
        output.append(" ")
        var message = DisplayText.safe(result.message.isEmpty ? result.check.title : result.message)
        if !result.container.isEmpty { message += " [\(DisplayText.safe(result.container))]" }
        if result.outcome == .skip, let exemption = result.exemption {
            message += " (exempted by \(DisplayText.safe(exemption.owner)): \(DisplayText.safe(exemption.reason)))"
        }
        // On narrow terminals the text starts on its own line.
        var indent = 2 + Self.severityWidth + 1 + Self.idWidth + 2
        if width - indent < 30 {
            indent = 4
            output.append(style.apply(.bold, result.check.id))
            output.append("\n    ")
        } else {
            output.append(style.apply(.bold, DisplayText.pad(result.check.id, to: Self.idWidth)))
            output.append("  ")
        }
        writeLines(DisplayText.wrap(message, to: width - indent), indent: indent, ink: .plain)
        writeEvidence(result, indent: indent)
    }

    /// `line 21: spec.containers[0].image = "nginx"`, of which the ends tell most.
    private mutating func writeEvidence(_ result: CheckResult, indent: Int) {
        let line = (result.source?.line ?? 0) > 0 ? "line \(result.source?.line ?? 0)" : ""
        let path = DisplayText.safe(result.path)
        if line.isEmpty, path.isEmpty { return }
        var text = path.isEmpty || line.isEmpty ? line : line + ": "
        let room = width - indent - text.utf8.count
        if result.value.isEmpty || path.isEmpty {
            text += DisplayText.cutStart(path, to: room)
        } else {
            let value = DisplayText.safe(result.value)
            // The value gets what the path leaves, but at least a third.
            let least = min(DisplayText.width(value), room / 3)
            let shown = DisplayText.cutStart(path, to: room - 3 - least)
            text += "\(shown) = \(DisplayText.cut(value, to: room - 3 - DisplayText.width(shown)))"
        }
        output.append(spaces: indent)
        output.append(style.apply(.faint, text))
        output.append("\n")
    }

    private mutating func writeLines(_ lines: [String], indent: Int, ink: TerminalStyle.Ink) {
        for (index, line) in lines.enumerated() {
            if index > 0 { output.append(spaces: indent) }
            output.append(style.apply(ink, line))
            output.append("\n")
        }
    }

    private static func label(_ result: CheckResult) -> (String, TerminalStyle.Ink) {
        switch result.outcome {
        case .fail: (short(result.check.severity), ink(result.check.severity))
        case .warn: ("warning", .medium)
        case .error: ("error", .error)
        case .pass: ("pass", .pass)
        case .skip: ("skip", .faint)
        }
    }

    static func short(_ severity: Severity) -> String {
        severity == .informational ? "info" : severity.description
    }

    static func ink(_ severity: Severity) -> TerminalStyle.Ink {
        switch severity {
        case .critical: .critical
        case .high: .high
        case .medium: .medium
        case .low: .low
        case .informational, .unknown: .faint
        }
    }

    // MARK: Checks

    private mutating func writeChecks() {
        guard !problems.isEmpty else { return }
        output.append("\n")
        output.append(style.apply(.bold, "What is wrong and how to fix it"))
        output.append("\n")
        let rows = problems.values.sorted {
            ($0.check.severity.rawValue, $1.check.id) > ($1.check.severity.rawValue, $0.check.id)
        }
        for (check, results) in rows {
            output.append("\n")
            let count = results == 1 ? "1 result" : "\(results) results"
            output.append(
                "  " + style.apply(.bold, check.id) + " "
                    + style.apply(Self.ink(check.severity), Self.short(check.severity)) + ", \(count)\n")
            paragraph("", DisplayText.safe(check.title))
            paragraph("Why  ", DisplayText.safe(check.why))
            paragraph("Fix  ", DisplayText.safe(check.remediation))
        }
    }

    private mutating func paragraph(_ label: String, _ text: String) {
        if text.isEmpty { return }
        let indent = 4 + label.utf8.count
        output.append("    ")
        output.append(style.apply(.faint, label))
        writeLines(DisplayText.wrap(text, to: min(width, 100) - indent), indent: indent, ink: .plain)
    }

    // MARK: Summary

    private mutating func writeSummary(_ summary: Summary) {
        if wroteSubject { output.append("\n") }
        let objects = count(summary.objects, "object")
        line("Summary: \(objects) read, \(summary.subjects) judged, score \(summary.score) of 100")
        for outcome in Outcome.allCases where summary.count(outcome) > 0 {
            var text = String(summary.count(outcome))
            if outcome.isProblem {
                let parts = Severity.allCases.reversed().filter { summary.count(outcome, $0) > 0 }
                    .map { "\(summary.count(outcome, $0)) \(Self.short($0))" }
                text += ": " + parts.joined(separator: ", ")
            }
            output.append("  " + DisplayText.pad(outcome.rawValue, to: 6))
            writeLines(DisplayText.wrap(text, to: width - 8), indent: 8, ink: .plain)
        }
        if exempted > 0 { line("  \(count(exempted, "failure")) exempted") }
        if problems.isEmpty {
            if summary.subjects == 0 {
                line(source.isEmpty ? "Nothing to judge was found." : "Nothing to judge was found in \(source).")
            } else {
                line("No problems found.")
            }
        } else {
            var more = "More: bulwark checks show ID explains a check"
            if !showAll { more += ", --all lists passes" }
            line(more + ", --output json, sarif or html gives every detail.")
        }
    }

    /// A line, wrapped with its own indentation kept.
    private mutating func line(_ text: String) {
        let indent = text.prefix { $0 == " " }.count
        let lines = DisplayText.wrap(String(text.dropFirst(indent)), to: width - indent - 2)
        for (index, line) in lines.enumerated() {
            output.append(spaces: index == 0 ? indent : indent + 2)
            output.append(line)
            output.append("\n")
        }
    }

    private func count(_ number: Int, _ noun: String) -> String { number == 1 ? "1 \(noun)" : "\(number) \(noun)s" }
}
