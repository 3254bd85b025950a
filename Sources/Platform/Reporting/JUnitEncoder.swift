// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// JUnit XML as CI servers read it: a suite per subject, a case per result. Suites carry their counts, the root does
/// not: it is written before they are known.
struct JUnitEncoder: ReportEncoder {
    /// A subject with more results than this becomes several suites.
    private static let groupLimit = 1000

    private var output: OutputBuffer
    private var time: Int64 = 0
    private var group: [CheckResult] = []

    init(output: OutputBuffer) { self.output = output }

    mutating func begin(_ context: ReportContext) {
        time = context.time
        output.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        output.append("<testsuites name=\"bulwark inspect\">\n")
    }

    mutating func add(_ result: CheckResult) {
        if let first = group.first, first.subject != result.subject || group.count >= Self.groupLimit { writeGroup() }
        group.append(result)
    }

    mutating func finish(_ summary: Summary) {
        writeGroup()
        output.append("</testsuites>\n")
        output.flush()
    }

    private mutating func writeGroup() {
        guard let first = group.first else { return }
        output.append("  <testsuite")
        attribute("name", first.subject.display)
        attribute("tests", String(group.count))
        attribute("failures", String(group.count { $0.outcome == .fail || $0.outcome == .warn }))
        attribute("errors", String(group.count { $0.outcome == .error }))
        attribute("skipped", String(group.count { $0.outcome == .skip }))
        attribute("time", "0")
        attribute("timestamp", Timestamp.zoneless(time))
        if let source = first.source { attribute("file", source.file) }
        output.append(">\n")
        for result in group { writeCase(result) }
        output.append("  </testsuite>\n")
        group.removeAll(keepingCapacity: true)
    }

    private mutating func writeCase(_ result: CheckResult) {
        output.append("    <testcase")
        var name = "\(result.check.id) \(result.check.title)"
        if !result.container.isEmpty { name += " [\(result.container)]" }
        attribute("name", name)
        attribute("classname", result.subject.display)
        attribute("time", "0")
        if let source = result.source {
            attribute("file", source.file)
            if source.line > 0 { attribute("line", String(source.line)) }
        }
        switch result.outcome {
        case .pass:
            output.append("/>\n")
            return
        case .skip:
            output.append(">\n      <skipped")
            if let exemption = result.exemption {
                attribute("message", "exempted by \(exemption.owner): \(exemption.reason)")
            } else {
                attribute("message", result.message)
            }
            output.append("/>\n")
        case .fail, .warn:
            output.append(">\n      <failure")
            attribute("message", result.message.isEmpty ? result.check.title : result.message)
            attribute("type", result.outcome == .warn ? "warning" : result.check.severity.description)
            output.append(">")
            output.append(markup: Self.details(result))
            output.append("</failure>\n")
        case .error:
            output.append(">\n      <error")
            attribute("message", result.message.isEmpty ? result.check.title : result.message)
            attribute("type", "error")
            output.append(">")
            output.append(markup: Self.details(result))
            output.append("</error>\n")
        }
        output.append("    </testcase>\n")
    }

    private static func details(_ result: CheckResult) -> String {
        var lines = ["\(result.check.id) (\(result.check.severity)) on \(result.subject.display)"]
        if let source = result.source {
            lines.append("at \(source.file)" + (source.line > 0 ? ":\(source.line)" : ""))
        }
        if !result.path.isEmpty {
            lines.append(result.value.isEmpty ? result.path : "\(result.path) = \(result.value)")
        }
        if !result.check.why.isEmpty { lines.append("Why: \(result.check.why)") }
        if !result.check.remediation.isEmpty { lines.append("Fix: \(result.check.remediation)") }
        return lines.joined(separator: "\n")
    }

    private mutating func attribute(_ name: StaticString, _ value: String) {
        output.append(" ")
        output.append(name)
        output.append("=\"")
        output.append(markup: value, isAttribute: true)
        output.append("\"")
    }
}
