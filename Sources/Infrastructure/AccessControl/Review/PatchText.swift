// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Rego

/// The steps that make one value of another: members and elements that differ, none that do not.
enum PatchText {
    static func steps(from old: Value, to new: Value) -> [JSONPatchOperation] {
        var steps: [JSONPatchOperation] = []
        add(from: old, to: new, at: "", to: &steps)
        return steps
    }

    private static func add(from old: Value, to new: Value, at path: String, to steps: inout [JSONPatchOperation]) {
        if equal(old, new) { return }
        if let was = old.members, let now = new.members {
            for (key, value) in zip(now.keys, now.values) {
                let place = path + JSONPatchOperation.pointer(key.text ?? "")
                if let before = was[key] {
                    add(from: before, to: value, at: place, to: &steps)
                } else {
                    steps.append(.init(.add, place, value.json))
                }
            }
            for key in was.keys where now[key] == nil {
                steps.append(.init(.remove, path + JSONPatchOperation.pointer(key.text ?? "")))
            }
        } else if let was = old.elements, let now = new.elements, was.count <= now.count {
            for (index, value) in now.enumerated() {
                if index < was.count {
                    add(from: was[index], to: value, at: "\(path)/\(index)", to: &steps)
                } else {
                    steps.append(.init(.add, "\(path)/-", value.json))
                }
            }
        } else {
            steps.append(.init(.replace, path, new.json))
        }
    }
}
