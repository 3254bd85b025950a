// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

extension Pod {
    /// The JSON patch that makes `other` of this pod, where `raw` is the object that this pod was read from. Objects
    /// on the way that are absent or null in `raw` are added first, so that each step is valid when its turn comes.
    package func patch(to other: Pod, raw: Node) -> [JSONPatchOperation] {
        var patch: [JSONPatchOperation] = []
        var added: Set<String> = []
        for change in changes(to: other) {
            var node: Node? = raw
            var pointer = ""
            for step in change.steps.dropLast() {
                pointer += JSONPatchOperation.pointer(step)
                node = node.flatMap { $0.isArray ? $0[Int(step) ?? -1] : $0[dynamic: step] }
                if node == nil || node?.isNull == true, added.insert(pointer).inserted {
                    patch.append(JSONPatchOperation(.add, pointer, "{}"))
                }
            }
            let last = JSONPatchOperation.pointer(change.steps.last ?? "")
            // `add` replaces a member that is there.
            patch.append(JSONPatchOperation(.add, pointer + last, change.new.json))
        }
        return patch
    }
}
