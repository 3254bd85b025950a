// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import Console
import Documents

/// The console's handle on constraints: what reviews and the audit judge by.
struct ServerConstraintControl: ConstraintControl {
    let parts: GatekeeperParts
    let failurePolicy: FailurePolicy

    func state() async -> ConstraintState {
        let summary = parts.audit?.summary
        return ConstraintState(
            waitsFor: parts.index.waitsFor, failurePolicy: failurePolicy.rawValue,
            auditTime: summary.flatMap { $0.time > 0 ? $0.time : nil }, auditMilliseconds: summary?.milliseconds ?? 0,
            auditObjects: summary?.objects ?? 0, missing: summary?.missing ?? [],
            mutators: parts.index.objects.filter { $0.group == Mutator.group }.map(\.id))
    }

    func constraints() async -> [ConstraintDetail] {
        let problems = parts.index.problems
        let set = parts.index.moment(namespace: "").constraints
        let known = Dictionary(set.constraints.map { ("\($0.kind)/\($0.name)", $0) }) { first, _ in first }
        return parts.index.objects.filter { $0.group == Constraint.group }.map { object in
            let found = known[object.id]
            let problem = problems[object.id].map { error in
                error.message + (found == nil ? "" : "; the version before it still counts")
            }
            let parameters = found?.object["spec"]?["parameters"]
            return ConstraintDetail(
                kind: object.kind, name: object.name, action: found?.action.rawValue ?? "",
                match: found?.object["spec"]?["match"]?.json() ?? "", parameters: parameters?.json() ?? "",
                problem: problem ?? "")
        }
    }

    func templates() async -> [TemplateDetail] {
        let problems = parts.index.problems
        let set = parts.index.moment(namespace: "").constraints
        let templates = set.kinds.compactMap { set.template(for: $0) }
        return parts.index.objects.filter { $0.group == ConstraintTemplate.group }.map { object in
            let found = templates.first { $0.name == object.name }
            return TemplateDetail(
                name: object.name, kind: found?.kind ?? "", engine: found.map { $0.cel == nil ? "Rego" : "CEL" } ?? "",
                problem: problems[object.id].map { error in
                    error.message + (found == nil ? "" : "; the version before it still counts")
                } ?? "")
        }
    }
}
