// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Planned edits of one object as a strategic merge patch in YAML, which `kubectl patch` takes.
package enum PatchText {
    /// Nil when there is nothing to change.
    package static func yaml(_ edits: [PlannedEdit], of object: Node, subject: Subject) -> String? {
        guard !edits.isEmpty else { return nil }
        var root = Tree()
        for edit in edits { root.put(edit.path[...], edit.change, at: object) }
        let namespace = subject.namespace.isEmpty ? "" : " --namespace \(subject.namespace)"
        var text = "# kubectl\(namespace) patch \(subject.kind.lowercased()) \(subject.name) --patch-file FILE\n"
        root.write(into: &text, indent: 0)
        return text
    }

    /// The part of the object that changes. Elements of a list are known by their name.
    private struct Tree {
        var members: [(key: String, value: Tree)] = []
        var elements: [(index: Int, name: String, value: Tree)] = []
        var value: EditValue?

        mutating func put(_ path: ArraySlice<PathComponent>, _ change: PlannedEdit.Change, at node: Node?) {
            guard let step = path.first else {
                switch change {
                case .set(let new): value = new
                // Null takes a member away.
                case .remove: value = .null
                // A list of plain values has no merge key: the whole list stands in the patch.
                case .append(let new):
                    var list = value.map { [$0] } ?? node?.elements.map { EditValue($0) } ?? []
                    if case .array(let known)? = value { list = known }
                    value = .array(list + [new])
                }
                return
            }
            switch step {
            case .key(let key):
                let index = members.firstIndex { $0.key == key } ?? members.count
                if index == members.count { members.append((key, Tree())) }
                members[index].value.put(path.dropFirst(), change, at: node?[dynamic: key])
            case .index(let number):
                let element = node?[number]
                let index = elements.firstIndex { $0.index == number } ?? elements.count
                if index == elements.count {
                    elements.append((number, element?["name"]?.string ?? "", Tree()))
                }
                elements[index].value.put(path.dropFirst(), change, at: element)
            }
        }

        func write(into text: inout String, indent: Int) {
            let space = String(repeating: " ", count: indent)
            for (key, tree) in members { text += "\(space)\(key):\(tree.tail(indent: indent + 2))" }
            for (_, name, tree) in elements {
                text += "\(space)- name: \(PatchText.scalar(.string(name)))\n"
                tree.write(into: &text, indent: indent + 2)
            }
        }

        private func tail(indent: Int) -> String {
            if let value { return " \(PatchText.scalar(value))\n" }
            var text = "\n"
            write(into: &text, indent: indent)
            return text
        }
    }

    /// A value on one line: YAML takes JSON.
    private static func scalar(_ value: EditValue) -> String {
        switch value {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let text): return text
        case .string(let text):
            let isPlain =
                !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
                        || byte == UInt8(ascii: "-")
                }
            let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
            if isPlain, !words.contains(text.lowercased()), !text.hasPrefix("-") { return text }
            return "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
        case .array(let elements): return "[" + elements.map(scalar).joined(separator: ", ") + "]"
        case .object(let members):
            return "{" + members.map { "\($0.key): \(scalar($0.value))" }.joined(separator: ", ") + "}"
        }
    }
}
