// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the ledger writes down in its log stream: a finding that is new or changed, a report that began or ended.
/// Never an unchanged finding.
struct InspectionEvent {
    enum Name: String {
        case new
        case reopened
        case resolved
        case suppressed
        case unsuppressed
        /// Its severity or outcome is another one.
        case changed
        /// A user set its status.
        case status
        case reportStarted
        case reportFinished
        case reportFailed
        case exemptionAdded
        case exemptionChanged
        case exemptionRemoved
        case exemptionExpired
    }

    var name: Name
    var subject: Subject?
    var finding: FindingRow?
    var check = ""
    var words: Words?
    var report: Int64?
    var cluster = ""
    var message = ""
    /// Who did it, where a user did.
    var by = ""
    /// The exemption's id.
    var exemption = ""
}

struct InspectionLog {
    let now: Int64

    /// Appends a record in the ledger's own transaction: the ledger and its log agree after any crash.
    func append(_ statement: Prepared, stream: Int64, _ event: InspectionEvent) throws {
        statement.bind(1, stream)
        statement.bind(2, now)
        statement.bind(3, event.name.rawValue)
        statement.bind(4, event.finding?.severity)
        statement.bind(5, event.finding?.outcome)
        statement.bind(6, event.check)
        statement.bind(7, event.subject?.cluster ?? event.cluster)
        statement.bind(8, event.subject?.apiVersion ?? "")
        statement.bind(9, event.subject?.kind ?? "")
        statement.bind(10, event.subject?.namespace ?? "")
        statement.bind(11, event.subject?.name ?? "")
        statement.bind(12, bytes: raw(event))
        try statement.run()
    }

    private func raw(_ event: InspectionEvent) -> [UInt8] {
        var text = JSONText()
        text.add("time", now)
        text.add("event", event.name.rawValue)
        if let report = event.report { text.add("report", report) }
        if let finding = event.finding {
            text.add("fingerprint", finding.fingerprint.description)
            text.add("check", event.check)
            text.add("severity", Code.severity(finding.severity).description)
            text.add("outcome", Code.outcome(finding.outcome).rawValue)
            text.add("status", Code.status(finding.status).rawValue)
            if finding.reopened > 0 { text.add("reopened", finding.reopened) }
        }
        text.add("cluster", event.subject?.cluster ?? event.cluster)
        if let subject = event.subject {
            text.add("apiVersion", subject.apiVersion)
            text.add("kind", subject.kind)
            text.add("namespace", subject.namespace)
            text.add("name", subject.name)
        }
        if let words = event.words {
            text.add("container", words.container)
            text.add("message", words.message)
            text.add("path", words.path)
            text.add("value", words.value)
        }
        text.add("message", event.message)
        text.add("exemption", event.exemption)
        text.add("by", event.by)
        return text.closed()
    }
}
