// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import PodSecurity

/// Mends the text of one file: what the fixes of failing checks change, edited in place.
struct FileFixer {
    let inspector: Inspector
    /// Whether an object is to be mended.
    let selects: (FoundObject) -> Bool
    /// One edit may open the way for another (a container must stop being privileged before it may refuse escalation).
    private static let rounds = 4

    init(inspector: Inspector, selects: @escaping (FoundObject) -> Bool) {
        self.inspector = inspector
        self.selects = selects
    }

    private struct Step: Equatable {
        let document: Int
        let edit: PlannedEdit
        let path: [PathComponent]
    }

    /// The mended text; the text itself where nothing can be done. `problem` is told of edits that the text does not allow.
    func fix(_ bytes: [UInt8], file: String, problem: (String) -> Void) -> [UInt8] {
        var editor = DocumentEditor(bytes, source: file)
        var refused: [Step] = []
        for _ in 0..<Self.rounds {
            let steps = plan(editor.bytes, file).filter { !refused.contains($0) }
            if steps.isEmpty { break }
            for step in steps {
                do throws(DocumentError) {
                    switch step.edit.change {
                    case .set(let value): try editor.set(step.path, to: value, document: step.document)
                    case .remove: try editor.remove(step.path, document: step.document)
                    case .append(let value): try editor.append(step.path, value, document: step.document)
                    }
                } catch {
                    refused.append(step)
                    problem("\(error)")
                }
            }
        }
        return editor.bytes
    }

    private func plan(_ bytes: [UInt8], _ file: String) -> [Step] {
        var steps: [Step] = []
        for (index, result) in DocumentReader.documents(in: bytes, source: file).enumerated() {
            guard let document = try? result.get() else { continue }
            FoundObject.all(in: document.root, problem: { _, _ in }) { found in
                guard let kind = found.kind, selects(found) else { return }
                let input = Inspector.Input(object: found.object, kind: kind, subject: found.subject)
                for edit in inspector.plannedEdits(for: input) {
                    steps.append(Step(document: index, edit: edit, path: found.path + edit.path))
                }
            }
        }
        return steps
    }
}
