// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The shapes of single values, shared by the reports, the HTTP API and the console. Strings that say "none" are
/// written empty, so that every object of a kind has the same keys.
extension TreeWriter {
    /// `{cluster, apiVersion, kind, namespace, name}`
    package mutating func subject(_ subject: Subject) {
        beginObject()
        field("cluster", subject.cluster)
        field("apiVersion", subject.apiVersion)
        field("kind", subject.kind)
        field("namespace", subject.namespace)
        field("name", subject.name)
        endObject()
    }

    /// `{slug, area, title, severity, why, remediation, aliases{tool: [id]}, controls{benchmark: [id]}, references[],
    /// sensitive, fixable}`, after `id` where the check stands alone.
    package mutating func check(_ check: Check, withID: Bool = true) {
        beginObject()
        if withID { field("id", check.id) }
        field("slug", check.slug)
        field("area", check.area)
        field("title", check.title)
        field("severity", check.severity.description)
        field("why", check.why)
        field("remediation", check.remediation)
        key("aliases")
        object { for alias in check.aliases { $0.key(dynamic: alias.tool); $0.strings(alias.ids) } }
        key("controls")
        object { for control in check.controls { $0.key(dynamic: control.benchmark); $0.strings(control.ids) } }
        field("references", check.references)
        field("sensitive", check.sensitive)
        field("fixable", check.fixable)
        endObject()
    }

    /// `{objects, subjects, results{outcome: {severity: count}}, score}` with all outcomes and severities.
    package mutating func summary(_ summary: Summary) {
        beginObject()
        field("objects", summary.objects)
        field("subjects", summary.subjects)
        key("results")
        beginObject()
        for outcome in Outcome.allCases {
            key(dynamic: outcome.rawValue)
            beginObject()
            for severity in Severity.allCases.reversed() {
                key(dynamic: severity.description)
                integer(summary.count(outcome, severity))
            }
            endObject()
        }
        endObject()
        field("score", summary.score)
        endObject()
    }

    /// A result as the report's `results` hold it.
    package mutating func result(_ result: CheckResult) {
        beginObject()
        resultHead(result)
        key("subject")
        subject(result.subject)
        resultTail(result)
        endObject()
    }

    mutating func resultHead(_ result: CheckResult) {
        field("check", result.check.id)
        field("outcome", result.outcome.rawValue)
        field("severity", result.check.severity.description)
    }

    mutating func resultTail(_ result: CheckResult) {
        field("container", result.container)
        field("message", result.message)
        field("path", result.path)
        field("value", result.value)
        key("source")
        if let source = result.source { location(source) } else { null() }
        fingerprint(result.fingerprint)
        if let exemption = result.exemption {
            key("exemption")
            self.exemption(exemption)
        }
    }

    /// The digits go out without a string between; a result in a million has no memory to allocate for them.
    mutating func fingerprint(_ value: Fingerprint) {
        guard style == .json else { return field("fingerprint", value.description) }
        key("fingerprint")
        quoted { output in
            output.appendHex(value.high, digits: 16)
            output.appendHex(value.low, digits: 16)
        }
    }

    private mutating func location(_ source: SourceLocation) {
        beginObject()
        field("file", source.file)
        field("line", source.line)
        endObject()
    }

    /// `{id, owner, reason, expiry, checks[], cluster, namespace, kind, name, container}`; `expiry` is a time or null.
    package mutating func exemption(_ exemption: Exemption) {
        beginObject()
        field("id", exemption.id)
        field("owner", exemption.owner)
        field("reason", exemption.reason)
        time("expiry", exemption.expiry)
        field("checks", exemption.checks)
        field("cluster", exemption.cluster)
        field("namespace", exemption.namespace)
        field("kind", exemption.kind)
        field("name", exemption.name)
        field("container", exemption.container)
        endObject()
    }

    /// A finding with its life. The check's title is written when the check is known.
    package mutating func finding(_ finding: Finding, check: Check? = nil) {
        beginObject()
        field("fingerprint", finding.fingerprint.description)
        field("check", finding.checkID)
        if let check {
            field("slug", check.slug)
            field("title", check.title)
        }
        field("severity", finding.severity.description)
        field("outcome", finding.outcome.rawValue)
        field("status", finding.status.rawValue)
        key("subject")
        subject(finding.subject)
        field("container", finding.container)
        field("message", finding.message)
        field("path", finding.path)
        field("value", finding.value)
        time("firstSeen", finding.firstSeen)
        time("lastSeen", finding.lastSeen)
        time("resolvedAt", finding.resolvedAt)
        field("reopened", finding.reopened)
        field("exemption", finding.exemptionID)
        endObject()
    }

    /// A stored run: `{id, cluster, trigger, state, started, finished, message, summary}`.
    package mutating func report(_ report: Report) {
        beginObject()
        field("id", Int(report.id))
        field("cluster", report.cluster)
        field("trigger", report.trigger.rawValue)
        field("state", report.state.rawValue)
        time("started", report.started)
        time("finished", report.finished)
        field("message", report.message)
        key("summary")
        summary(report.summary)
        endObject()
    }

    /// A time in ISO 8601, or null.
    package mutating func time(_ name: StaticString, _ seconds: Int64?) {
        key(name)
        if let seconds { string(Timestamp.iso8601(seconds)) } else { null() }
    }
}

/// JSON of single values for the HTTP API: each call appends one value to the buffer.
package enum JSONEncoding {
    package static func write(into buffer: inout OutputBuffer, _ body: (inout TreeWriter) -> Void) {
        var writer = TreeWriter(.json)
        swap(&writer.output, &buffer)
        body(&writer)
        swap(&writer.output, &buffer)
    }

    package static func append(_ finding: Finding, check: Check? = nil, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.finding(finding, check: check) }
    }

    package static func append(_ check: Check, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.check(check) }
    }

    package static func append(_ summary: Summary, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.summary(summary) }
    }

    package static func append(_ result: CheckResult, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.result(result) }
    }

    package static func append(_ report: Report, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.report(report) }
    }

    package static func append(_ exemption: Exemption, to buffer: inout OutputBuffer) {
        write(into: &buffer) { $0.exemption(exemption) }
    }
}
