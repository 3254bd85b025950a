// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store

/// A page of the objects with open findings, the heaviest first.
struct WorkloadList: Sendable {
    /// Findings read for one list; what is beyond, the least severe, is not counted.
    static let bound = 200_000

    var workloads: [WorkloadWeight]
    var total: Int

    /// `filter` chooses the findings that count.
    static func read(_ ledger: FindingLedger, _ filter: FindingFilter, limit: Int, offset: Int) async throws
        -> WorkloadList
    {
        var risks: [Subject: WorkloadWeight] = [:]
        var read = 0
        while read < bound {
            let page = try await ledger.findings(
                filter, sort: .severity, limit: FindingLedger.pageLimit, offset: read)
            for finding in page.findings {
                var risk =
                    risks[finding.subject] ?? WorkloadWeight(subject: finding.subject, weight: 0, bySeverity: [:])
                risk.weight += finding.severity == .unknown ? 1 : 1 << (finding.severity.rawValue - 1)
                risk.bySeverity[finding.severity, default: 0] += 1
                risks[finding.subject] = risk
            }
            read += page.findings.count
            if page.findings.isEmpty || read >= page.total { break }
        }
        let sorted = risks.values.sorted { ($1.weight, $0.subject) < ($0.weight, $1.subject) }
        return WorkloadList(workloads: Array(sorted.dropFirst(offset).prefix(limit)), total: sorted.count)
    }
}

/// An object with open findings. The weight counts each as `Summary.score` does.
struct WorkloadWeight: Sendable {
    var subject: Subject
    var weight: Int
    var bySeverity: [Severity: Int]

    var total: Int { bySeverity.values.reduce(0, +) }
}
