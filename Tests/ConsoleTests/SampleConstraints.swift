// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Console
import Findings
import Store

/// Constraints of a shop, one of which nobody can read, and names that would be markup.
struct SampleConstraints: ConstraintControl {
    static let hostile = "<script>alert(1)</script>\"'"

    func state() async -> ConstraintState {
        ConstraintState(
            failurePolicy: "Ignore", auditTime: 1_750_000_000, auditMilliseconds: 412, auditObjects: 1_234,
            missing: ["secrets: never read, so only admission judges them"], mutators: ["Assign/pull-always"])
    }

    func constraints() async -> [ConstraintDetail] {
        [
            ConstraintDetail(
                kind: "K8sAllowedRepos", name: "shop-repos", action: "deny",
                match: #"{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}"#, parameters: #"{"repos":["registry/"]}"#),
            ConstraintDetail(kind: "K8sRequiredLabels", name: "owner", action: "warn"),
            ConstraintDetail(
                kind: "K8sRequiredLabels", name: "typo", action: "", problem: "spec.enforcementAction must be one of"),
            ConstraintDetail(kind: "Hostile", name: Self.hostile, action: "dryrun", parameters: Self.hostile),
        ]
    }

    func templates() async -> [TemplateDetail] {
        [
            TemplateDetail(name: "k8sallowedrepos", kind: "K8sAllowedRepos", engine: "Rego"),
            TemplateDetail(name: "k8srequiredlabels", kind: "K8sRequiredLabels", engine: "CEL"),
            TemplateDetail(name: "broken", kind: "", engine: "", problem: "broken.rego:2:1: rego_parse_error"),
        ]
    }
}

extension ConsoleFixture {
    /// Three pods that violate `shop-repos`.
    func fillViolations() async throws {
        let check = Check(
            id: "K8sAllowedRepos/shop-repos", slug: "constraint-k8sallowedrepos-shop-repos", area: "constraints",
            title: "The constraint is violated", severity: .high, why: "", remediation: "")
        let objects = (0..<3).map { number in
            let subject = Subject(apiVersion: "v1", kind: "Pod", namespace: "shop", name: "pod-\(number)")
                .underConstraints
            let result = CheckResult(
                check: check, outcome: .fail, subject: subject, message: "container <app> has an invalid image",
                fingerprint: Fingerprint(high: 7, low: UInt64(number)))
            return InspectedObject(subject: subject, results: [result])
        }
        try await store.ledger.record(objects, report: nil)
    }
}
