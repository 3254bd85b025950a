// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import Foundation

/// What the last audit found under one constraint, as its status says it.
package struct ConstraintAuditResult: Sendable {
    /// Seconds since 1970, of the last whole audit.
    package var time: Int64
    package var total: Int
    /// The first of them, in order.
    package var violations: [Finding]
    package var action: String

    package init(time: Int64, total: Int, violations: [Finding], action: String) {
        self.time = time
        self.total = total
        self.violations = violations
        self.action = action
    }

    /// A constraint's status stays far below what etcd takes: 1.5 MB.
    static let maxBytes = 200_000
    package static let maxViolations = 500

    var status: [(key: String, value: ManifestValue)] {
        var bytes = 0
        var entries: [ManifestValue] = []
        for violation in violations.prefix(Self.maxViolations) {
            guard let subject = violation.subject.constrained else { continue }
            var entry: ManifestValue = [
                "enforcementAction": .string(action), "group": .string(String(subject.group)),
                "version": .string(subject.apiVersion.split(separator: "/").last.map(String.init) ?? ""),
                "kind": .string(subject.kind), "name": .string(subject.name),
                "message": .string(String(violation.message.prefix(1_000))),
            ]
            if !subject.namespace.isEmpty { entry["namespace"] = .string(subject.namespace) }
            bytes += entry.json.utf8.count
            guard bytes <= Self.maxBytes else { break }
            entries.append(entry)
        }
        let text = Date(timeIntervalSince1970: Double(time)).formatted(.iso8601)
        return [
            ("auditTimestamp", .string(text)), ("totalViolations", .int(total)), ("violations", .array(entries)),
        ]
    }
}
