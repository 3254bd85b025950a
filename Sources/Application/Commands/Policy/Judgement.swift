// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import PodPolicies
import PodSecurity

/// What files are judged by: a standard by its text, or a policy by its name.
struct PolicyOnTrial {
    let name: String
    let violations: (Pod) -> [Violation]

    init(_ standard: PodSecurityStandard) {
        name = standard.text
        violations = { standard.violations(in: $0) }
    }

    /// A policy with fields judges what it has filled in, as admission does.
    init(_ policy: PodPolicy) {
        name = policy.name
        switch policy.rules {
        case .standard(let standard): violations = { standard.violations(in: $0) }
        case .fields(let rules): violations = { rules.applied(to: $0).violations }
        }
    }
}

/// What one policy says about one object's pod.
struct Judgement {
    let subject: Subject
    let source: SourceLocation
    let policy: String
    /// Nil when the pod could not be judged.
    let isAllowed: Bool?
    /// Paths start at the object's root.
    let violations: [Violation]
    /// Why the pod could not be judged; empty when it could.
    let error: String

    /// One judgement per policy; none for an object without a pod.
    static func all(of found: FoundObject, file: String, by policies: [PolicyOnTrial]) -> [Judgement] {
        let source = SourceLocation(file: file, line: found.object.line)
        do throws(PodFieldError) {
            guard
                let (pod, path, _) = try PodSource.find(
                    in: found.object, apiVersion: found.subject.apiVersion, kind: found.subject.kind)
            else { return [] }
            return policies.map { policy in
                var violations = policy.violations(pod)
                for index in violations.indices { violations[index].path = path + violations[index].path }
                return Judgement(
                    subject: found.subject, source: source, policy: policy.name, isAllowed: violations.isEmpty,
                    violations: violations, error: "")
            }
        } catch {
            return policies.map {
                Judgement(
                    subject: found.subject, source: source, policy: $0.name, isAllowed: nil, violations: [],
                    error: "\(error)")
            }
        }
    }
}
