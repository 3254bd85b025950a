// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Foundation
import Testing

@Suite struct GatorSuiteTests {
    private static let folder =
        (ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? "../shared/data") + "/policy/gatekeeper-library"

    private func read(_ path: String) throws -> [Node] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        return try DocumentReader.documents(in: bytes, source: path).map { try $0.get().root }.filter { !$0.isNull }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: folder), "no conformance data; set BULWARK_DATA"))
    func libraryPasses() throws {
        let files = FileManager.default.enumerator(atPath: Self.folder)?.compactMap { $0 as? String } ?? []
        var passed = 0
        for file in files.filter({ $0.hasSuffix("/suite.yaml") }).sorted() {
            let path = "\(Self.folder)/\(file)"
            let suite = try GatorSuite(try #require(try read(path).first))
            let folder = (path as NSString).deletingLastPathComponent
            for outcome in GatorRun(read: read).outcomes(of: suite, file: file, folder: folder) {
                if case .passed = outcome.result { passed += 1 } else { Issue.record("\(outcome)") }
            }
        }
        #expect(passed >= 220)
    }

    @Test func wrongExpectationsFail() throws {
        let template = """
            apiVersion: templates.gatekeeper.sh/v1
            kind: ConstraintTemplate
            metadata: {name: never}
            spec:
              crd: {spec: {names: {kind: Never}}}
              targets:
              - target: admission.k8s.gatekeeper.sh
                rego: |
                  package never
                  violation[{"msg": "never"}] { input.review.object.data.bad }
            """
        let texts = [
            "/t": template,
            "/c": "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: Never, metadata: {name: nothing}}",
            "/bad": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {bad: 'yes'}}",
            "/good": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
        ]
        let suite = try GatorSuite(
            try yaml(
                """
                kind: Suite
                apiVersion: test.gatekeeper.sh/v1alpha1
                tests:
                - name: t
                  template: t
                  constraint: c
                  cases:
                  - {name: found, object: bad, assertions: [{violations: yes, message: ^never$}]}
                  - {name: counted, object: bad, assertions: [{violations: 1}]}
                  - {name: too few, object: bad, assertions: [{violations: 2}]}
                  - {name: other message, object: bad, assertions: [{message: always}]}
                  - {name: none, object: good, assertions: [{violations: no}]}
                  - {name: some, object: good, assertions: [{violations: yes}]}
                  - {name: missing, object: nowhere}
                - {name: broken, template: good, constraint: c, cases: [{name: x, object: good}]}
                - {name: unexpected, template: t, constraint: c, invalid: true}
                """))
        let run = GatorRun(read: { path in
            guard let text = texts[path] else { throw GatekeeperError(.invalid, "\(path): no such file") }
            return [try yaml(text)]
        })
        let words = run.outcomes(of: suite, file: "s", folder: "").map { outcome -> String in
            switch outcome.result {
            case .passed: "pass"
            case .failed: "fail"
            case .error: "error"
            case .skipped: "skip"
            }
        }
        #expect(words == ["pass", "pass", "fail", "fail", "pass", "fail", "error", "error", "fail"])
    }
}
