// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store

/// Everything that is known about one object: what inspection found, what it has by its images, and which these are.
struct WorkloadFindings: Sendable {
    var subject: Subject
    /// Open ones first, the worst first.
    var findings: [Finding]
    var containers: [ContainerImage]

    /// Nil when nothing is known.
    static func read(_ asked: Subject, _ parts: ConsoleParts) async throws -> WorkloadFindings? {
        let workload = asked.imageRunner ?? asked
        let own = try await parts.store.ledger.workload(workload)
        // Without a group any is meant, also of the other findings: they differ in their kind.
        var runner = workload.runningImages
        if workload.apiVersion.isEmpty { runner.apiVersion = "" }
        let byImages = try await parts.store.ledger.workload(runner)
        let subject = own.first?.subject ?? byImages.first?.subject.imageRunner ?? workload
        let containers = try await parts.images?.containers(of: subject) ?? []
        guard !own.isEmpty || !byImages.isEmpty || !containers.isEmpty else { return nil }
        return WorkloadFindings(subject: subject, findings: merged(own, byImages), containers: containers)
    }

    private static func merged(_ own: [Finding], _ other: [Finding]) -> [Finding] {
        if other.isEmpty { return own }
        return (own + other).enumerated().sorted { left, right in
            let (mine, theirs) = (left.element, right.element)
            return (mine.status == .resolved ? 1 : 0, -mine.severity.rawValue, left.offset)
                < (theirs.status == .resolved ? 1 : 0, -theirs.severity.rawValue, right.offset)
        }.map(\.element)
    }
}
