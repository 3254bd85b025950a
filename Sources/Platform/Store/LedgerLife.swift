// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// The life of one finding.
extension LedgerWrite {
    /// A problem that was never seen before.
    func add(_ result: CheckResult, on row: SubjectRow, report: Int64?, _ covering: [Memo.InForce]) throws {
        let exemption = try exemption(of: result, covering)
        let words = Words(result)
        var finding = FindingRow(
            id: 0, subject: row.id, cluster: row.cluster, fingerprint: result.fingerprint,
            check: try check(result.check), severity: Int64(result.check.severity.rawValue),
            outcome: Code.outcome(result.outcome == .skip ? .fail : result.outcome), status: 0, claimed: false,
            exemption: exemption, since: report, reopened: 0, firstSeen: now, lastSeen: now, resolvedAt: nil,
            digest: words.digest)
        finding.settle()
        try finding.insert(self, words: words)
        count(from: nil, 0, to: finding, row.scope)
        try log(.new, finding, row.subject, check: result.check.id, words: words, report: report)
    }

    /// A problem that is known, shown again on `row`; `home` is the subject that it was last seen on.
    func show(
        _ result: CheckResult, as old: FindingRow, on row: SubjectRow, from home: SubjectRow, report: Int64?,
        _ covering: [Memo.InForce]
    ) throws {
        let words = Words(result)
        var finding = old
        finding.subject = row.id
        finding.cluster = row.cluster
        finding.check = try check(result.check)
        finding.severity = Int64(result.check.severity.rawValue)
        if result.outcome != .skip { finding.outcome = Code.outcome(result.outcome) }
        finding.exemption = try exemption(of: result, covering)
        finding.digest = words.digest
        if !old.isOpen {
            finding.claimed = false
            finding.reopened += 1
            finding.resolvedAt = nil
            finding.lastSeen = now
        }
        finding.settle()
        if finding.cluster != old.cluster || !finding.looksLike(old) {
            try leave(&finding, as: old, last: report.map { $0 - 1 } ?? home.report)
        }
        if let report, finding.since == nil { finding.since = report }
        try store(finding, over: old, words: finding.digest == old.digest ? nil : words)
        count(from: old, home.scope, to: finding, row.scope)
        let event: InspectionEvent.Name?
        if !old.isOpen {
            event = .reopened
        } else if finding.isExempt != old.isExempt {
            event = finding.isExempt ? .suppressed : .unsuppressed
        } else if finding.severity != old.severity || finding.outcome != old.outcome {
            event = .changed
        } else {
            event = nil
        }
        if let event {
            try log(event, finding, row.subject, check: result.check.id, words: words, report: report)
        }
    }

    /// A problem that its object shows no longer.
    func resolve(_ old: FindingRow, of row: SubjectRow, report: Int64?) throws {
        var finding = old
        try leave(&finding, last: report.map { $0 - 1 } ?? row.report)
        finding.status = Code.status(.resolved)
        finding.claimed = false
        finding.exemption = nil
        finding.lastSeen = row.seen
        finding.resolvedAt = now
        try finding.update(self, words: nil)
        count(from: old, row.scope, to: finding, row.scope)
        try log(.resolved, finding, row.subject, check: try code(of: finding.check), report: report)
    }

    /// Puts an exemption on an open finding or takes it off, between reports.
    func exempt(_ old: FindingRow, _ exemption: Int64?, of row: SubjectRow) throws {
        var finding = old
        finding.exemption = exemption
        finding.settle()
        guard finding.exemption != old.exemption || finding.status != old.status else { return }
        if !finding.looksLike(old) { try leave(&finding, as: old, last: row.report) }
        try finding.update(self, words: nil)
        count(from: old, row.scope, to: finding, row.scope)
        guard finding.isExempt != old.isExempt else { return }
        try log(finding.isExempt ? .suppressed : .unsuppressed, finding, row.subject, check: code(of: finding.check))
    }

    /// Ends the run of reports that show a finding as it was: `last` is the last one that did.
    func leave(_ finding: inout FindingRow, as old: FindingRow? = nil, last: Int64) throws {
        let old = old ?? finding
        finding.since = nil
        guard let since = old.since, since <= last else { return }
        let add = try prepared(.leave, "INSERT OR REPLACE INTO presence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        add.bind(1, old.id)
        add.bind(2, since)
        add.bind(3, last)
        add.bind(4, old.cluster)
        add.bind(5, old.severity)
        add.bind(6, old.outcome)
        add.bind(7, Int64(old.isExempt ? 1 : 0))
        try add.run()
    }

    /// A check's id by its key.
    func code(of check: Int64) throws -> String {
        if let known = memo.codes[check] { return known }
        let code = try String.fetchOne(db, sql: "SELECT code FROM chk WHERE id = ?", arguments: [check]) ?? ""
        memo.codes[check] = code
        return code
    }

    private func store(_ finding: FindingRow, over old: FindingRow, words: Words?) throws {
        let same =
            words == nil && finding.subject == old.subject && finding.check == old.check
            && finding.looksLike(old) && finding.status == old.status && finding.exemption == old.exemption
            && finding.since == old.since && finding.reopened == old.reopened
        if !same { try finding.update(self, words: words) }
    }

    func log(
        _ name: InspectionEvent.Name, _ finding: FindingRow, _ subject: Subject, check: String,
        words: Words? = nil, report: Int64? = nil, by: String = ""
    ) throws {
        try log(
            InspectionEvent(
                name: name, subject: subject, finding: finding, check: check, words: words, report: report, by: by))
    }
}
