// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store

/// What the API says about things: each as its schema has it.
extension JSONValue {
    /// One page of a list.
    static func page(_ items: [JSONValue], total: Int, page: Int, limit: Int) -> JSONValue {
        ["items": .array(items), "total": .int(Int64(total)), "page": .int(Int64(page)), "limit": .int(Int64(limit))]
    }

    /// A list that is always whole.
    static func list(_ items: [JSONValue]) -> JSONValue {
        ["items": .array(items), "total": .int(Int64(items.count))]
    }

    static func count(_ number: Int) -> JSONValue { .int(Int64(number)) }

    static func counts(_ counts: [Severity: Int]) -> JSONValue {
        .object(
            Severity.allCases.reversed().compactMap { severity in
                counts[severity].map { Member(name: severity.description, value: .count($0)) }
            })
    }

    static func subject(_ subject: Subject) -> JSONValue {
        [
            "cluster": .string(subject.cluster), "apiVersion": .string(subject.apiVersion),
            "kind": .string(subject.kind), "namespace": .string(subject.namespace), "name": .string(subject.name),
        ]
    }

    static func finding(_ finding: Finding, _ checks: CheckCatalogue) -> JSONValue {
        [
            "fingerprint": .string("\(finding.fingerprint)"), "check": .string(finding.checkID),
            "title": .string(checks[finding.checkID]?.title ?? ""), "severity": .string("\(finding.severity)"),
            "outcome": .string(finding.outcome.rawValue), "subject": .subject(finding.subject),
            "container": .string(finding.container), "message": .string(finding.message),
            "path": .string(finding.path), "value": .string(finding.value),
            "status": .string(finding.status.rawValue), "firstSeen": .time(finding.firstSeen),
            "lastSeen": .time(finding.lastSeen), "resolvedAt": .time(finding.resolvedAt),
            "reopened": .count(finding.reopened),
            "exemption": .optional(finding.exemptionID.isEmpty ? nil : finding.exemptionID),
        ]
    }

    static func check(_ check: Check, open: Int) -> JSONValue {
        [
            "id": .string(check.id), "slug": .string(check.slug), "area": .string(check.area),
            "title": .string(check.title), "severity": .string("\(check.severity)"), "why": .string(check.why),
            "remediation": .string(check.remediation), "fixable": .bool(check.fixable),
            "sensitive": .bool(check.sensitive), "references": .strings(check.references),
            "aliases": .object(check.aliases.map { Member(name: $0.tool, value: .strings($0.ids)) }),
            "controls": .object(check.controls.map { Member(name: $0.benchmark, value: .strings($0.ids)) }),
            "open": .count(open),
        ]
    }

    static func report(_ report: Report) -> JSONValue {
        let summary = report.summary
        let results = Outcome.allCases.map { outcome in
            let counts = Severity.allCases.reversed().filter { summary.count(outcome, $0) > 0 }.map {
                Member(name: $0.description, value: .count(summary.count(outcome, $0)))
            }
            return Member(name: outcome.rawValue, value: .object(counts))
        }
        return [
            "id": .int(report.id), "cluster": .string(report.cluster), "trigger": .string(report.trigger.rawValue),
            "state": .string(report.state.rawValue), "started": .time(report.started),
            "finished": .time(report.finished), "message": .string(report.message),
            "score": report.state == .complete ? .count(summary.score) : .null,
            "objects": .count(summary.objects), "subjects": .count(summary.subjects), "results": .object(results),
        ]
    }

    static func problem(_ problem: ReportedProblem) -> JSONValue {
        [
            "fingerprint": .string("\(problem.fingerprint)"), "check": .string(problem.checkID),
            "severity": .string("\(problem.severity)"), "subject": .subject(problem.subject),
            "container": .string(problem.container), "statusNow": .string(problem.status.rawValue),
        ]
    }

    static func exemption(_ exemption: Exemption, suppresses: Int, now: Int64) -> JSONValue {
        [
            "id": .string(exemption.id), "owner": .string(exemption.owner), "reason": .string(exemption.reason),
            "expiry": .time(exemption.expiry), "checks": .strings(exemption.checks),
            "cluster": .string(exemption.cluster), "namespace": .string(exemption.namespace),
            "kind": .string(exemption.kind), "name": .string(exemption.name),
            "container": .string(exemption.container), "expired": .bool(exemption.expiry.map { $0 <= now } ?? false),
            "suppresses": .count(suppresses),
        ]
    }

    static func risk(_ risk: NamespaceRisk) -> JSONValue {
        [
            "cluster": .string(risk.cluster), "namespace": .string(risk.namespace), "weight": .count(risk.weight),
            "total": .count(risk.total), "bySeverity": .counts(risk.bySeverity),
        ]
    }

    static func workload(_ risk: WorkloadRisk) -> JSONValue {
        [
            "subject": .subject(risk.subject), "total": .count(risk.total), "weight": .count(risk.weight),
            "bySeverity": .counts(risk.bySeverity),
        ]
    }

    static func progress(_ progress: InspectionProgress) -> JSONValue {
        [
            "phase": .string(progress.phase.rawValue), "running": .bool(progress.phase.isRunning),
            "done": .count(progress.done), "total": .count(progress.total), "started": .time(progress.started),
            "finished": .time(progress.finished), "report": .optional(progress.report),
            "message": .string(progress.message), "words": .string(OverviewPage.text(progress)),
        ]
    }

    static func account(_ account: Account) -> JSONValue {
        [
            "id": .int(account.id), "name": .string(account.name), "role": .string(account.role.rawValue),
            "created": .time(account.created), "lastLogin": .time(account.lastLogin),
        ]
    }

    static func token(_ token: APIToken) -> JSONValue {
        [
            "id": .int(token.id), "name": .string(token.name), "role": .string(token.role.rawValue),
            "owner": .string(token.owner), "created": .time(token.created), "expires": .time(token.expires),
            "lastUsed": .time(token.lastUsed), "revoked": .time(token.revoked),
        ]
    }
}
