// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// One edit that mends something on one object; the path starts at the object.
package struct PlannedEdit: Sendable, Equatable {
    package enum Change: Sendable, Equatable {
        case set(EditValue)
        case remove
        case append(EditValue)
    }

    package let path: [PathComponent]
    package let change: Change
}

extension Inspector {
    /// What the fixes of failing checks would change on an object. Edits that several checks ask for stand once; a fix whose
    /// result the API server would refuse is left out. Exempted failures stay as they are.
    package func plannedEdits(for input: Input) -> [PlannedEdit] {
        let target = Target(object: input.object, kind: input.kind, subject: input.subject)
        guard target.unreadable == nil else { return [] }
        var planned: [PlannedEdit] = []
        for check in checks {
            guard let fix = check.fix else { continue }
            switch check.judge {
            case .container(let judge):
                guard target.kind.isWorkload else { continue }
                for container in target.containers {
                    guard case .problem? = try? judge(container, target, context),
                        !isExempt(check.check, input.subject, container.name)
                    else { continue }
                    plan(fix, target, container, &planned)
                }
            case .pod(let judge):
                guard target.kind.isWorkload, case .problem? = try? judge(target, context),
                    !isExempt(check.check, input.subject, "")
                else { continue }
                plan(fix, target, nil, &planned)
            case .object(let kinds, let judge):
                guard kinds.contains(target.kind), case .problem? = try? judge(target, context),
                    !isExempt(check.check, input.subject, "")
                else { continue }
                plan(fix, target, nil, &planned)
            }
        }
        return planned
    }

    private func isExempt(_ check: Check, _ subject: Subject, _ container: String) -> Bool {
        exemptions.contains { $0.covers(check: check, subject: subject, container: container, now: now) }
    }

    private func plan(_ fix: Fix, _ target: Target, _ container: Container?, _ planned: inout [PlannedEdit]) {
        var base: [PathComponent] = []
        var node = target.object
        if fix.scope != .object {
            base = target.kind.podSpecPath.split(separator: ".").map { .key(String($0)) }
            guard let spec = target.podSpec else { return }
            node = spec
        }
        if fix.scope == .container {
            guard let container else { return }
            base += [.key(container.role.list), .index(container.index)]
            node = container.node
        }
        if let unless = fix.unless, (try? unless.match(node, pod: target.podSpec)) != nil { return }
        for edit in fix.edits {
            let (path, change): (String, PlannedEdit.Change) =
                switch edit {
                case .set(let path, let value): (path, .set(value))
                case .remove(let path): (path, .remove)
                case .append(let path, let value): (path, .append(value))
                }
            let steps = path.split(separator: ".").map { PathComponent.key(String($0)) }
            let existing = node.at(steps)
            switch change {
            case .remove where existing == nil: continue
            case .append(let value) where existing?.elements.contains(where: { EditValue($0) == value }) == true:
                continue
            default: break
            }
            let edit = PlannedEdit(path: base + steps, change: change)
            if !planned.contains(edit) { planned.append(edit) }
        }
    }
}
