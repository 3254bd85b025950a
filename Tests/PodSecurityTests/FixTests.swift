// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Testing

@testable import PodSecurity

@Suite struct FixTests {
    private func found(_ text: String) throws -> FoundObject {
        var found: FoundObject?
        for document in DocumentReader.documents(in: Array(text.utf8), source: "test.yaml") {
            FoundObject.all(in: try document.get().root, problem: { _, _ in }) { found = $0 }
        }
        return try #require(found)
    }

    private func plan(_ text: String, checks: [String]) throws -> [PlannedEdit] {
        let inspector = Inspector(try Catalogue.embedded().selecting(checks))
        let object = try found(text)
        return inspector.plannedEdits(
            for: Inspector.Input(object: object.object, kind: try #require(object.kind), subject: object.subject))
    }

    /// Every check with a fix mends its own failing examples, one object at a time, until its check passes.
    @Test func fixesMendTheirOwnExamples() throws {
        var mended = 0
        for entry in try Catalogue.embedded().checks where entry.fix != nil {
            let folder = packageRoot.appending(path: "checks/\(entry.check.area)/\(entry.check.slug)/examples/fail")
            for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
                let bytes = Array(try String(contentsOf: file, encoding: .utf8).utf8)
                let inspector = Inspector(try Catalogue.embedded().selecting([entry.check.id]))
                var editor = DocumentEditor(bytes, source: file.lastPathComponent)
                for (index, document) in DocumentReader.documents(in: bytes, source: "test.yaml").enumerated() {
                    var edits: [(path: [PathComponent], change: PlannedEdit.Change)] = []
                    FoundObject.all(in: try document.get().root, problem: { _, _ in }) { found in
                        guard let kind = found.kind else { return }
                        let input = Inspector.Input(object: found.object, kind: kind, subject: found.subject)
                        edits += inspector.plannedEdits(for: input).map { (found.path + $0.path, $0.change) }
                    }
                    for edit in edits {
                        switch edit.change {
                        case .set(let value): try editor.set(edit.path, to: value, document: index)
                        case .remove: try editor.remove(edit.path, document: index)
                        case .append(let value): try editor.append(edit.path, value, document: index)
                        }
                    }
                    mended += edits.count
                }
                let left = try inspect([editor.text], checks: [entry.check.id])
                    .filter { $0.outcome == .fail && $0.check.id == entry.check.id }
                // A fix may hold back where an API server would refuse its result; then nothing was changed.
                #expect(
                    left.isEmpty || editor.bytes == bytes,
                    "\(entry.check.slug)/\(file.lastPathComponent): \(left.map(\.message))")
            }
        }
        #expect(mended > 20)
    }

    @Test func escalationIsNotForbiddenToThePrivileged() throws {
        let pod =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, securityContext: {privileged: true}}]}"
        #expect(try plan(pod, checks: ["priv-escalation"]).isEmpty)
        #expect(try plan(pod, checks: ["privileged"]).count == 1)
    }

    @Test func editsOfSeveralChecksStandOnce() throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}"
        let edits = try plan(pod, checks: ["caps-drop-all", "caps-drop-any", "seccomp-unset", "linux-hardening"])
        #expect(edits.count == 2)
    }

    @Test func patchesMergeByName() throws {
        let text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: shop}
            spec:
              template:
                spec:
                  hostNetwork: true
                  containers:
                    - {name: "a\\"b", image: i, securityContext: {capabilities: {drop: [CHOWN]}}}
            """
        let object = try found(text)
        let edits = try plan(text, checks: ["host-network", "caps-drop-all"])
        let patch = try #require(PatchText.yaml(edits, of: object.object, subject: object.subject))
        var reader = YAMLReader(Array(patch.utf8), source: "patch")
        let root = try #require(try reader.next()?.get()).root
        let spec = root["spec"]?["template"]?["spec"]
        #expect(spec?["hostNetwork"]?.isNull == true)
        #expect(spec?["containers"]?[0]?["name"]?.string == "a\"b")
        #expect(spec?["containers"]?[0]?["securityContext"]?["capabilities"]?["drop"]?.json() == #"["CHOWN","ALL"]"#)
        #expect(PatchText.yaml([], of: object.object, subject: object.subject) == nil)
    }
}
