// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import TestSupport
import Testing

/// The built command on files: `gatekeeper test` and `gatekeeper verify`.
@Suite struct GatekeeperCommandTests {
    private static let policy = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: nohost}
        spec:
          crd: {spec: {names: {kind: NoHost}}}
          targets:
          - target: admission.k8s.gatekeeper.sh
            rego: |
              package nohost
              violation[{"msg": "host network"}] { input.review.object.spec.hostNetwork }
        ---
        apiVersion: constraints.gatekeeper.sh/v1beta1
        kind: NoHost
        metadata: {name: all}
        spec: {match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}, enforcementAction: ACTION}
        """
    private static let objects = """
        apiVersion: v1
        kind: Pod
        metadata: {name: good}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: bad, namespace: shop}
        spec: {template: {spec: {hostNetwork: true}}}
        """
    private static let expansion = """
        apiVersion: expansion.gatekeeper.sh/v1beta1
        kind: ExpansionTemplate
        metadata: {name: pods}
        spec:
          applyTo: [{groups: [apps], versions: [v1], kinds: [Deployment]}]
          templateSource: spec.template
          generatedGVK: {version: v1, kind: Pod}
        """

    private func folder(_ action: String = "deny", _ more: [String: String] = [:]) throws -> ScratchFolder {
        let folder = try ScratchFolder()
        try folder.write(Self.policy.replacing("ACTION", with: action), to: "policy.yaml")
        try folder.write(Self.objects, to: "objects.yaml")
        for (name, text) in more { try folder.write(text, to: name) }
        return folder
    }

    @Test(arguments: [("deny", 1), ("warn", 0), ("dryrun", 0)])
    func expandedObjectsAreJudged(action: String, status: Int32) async throws {
        let folder = try folder(action, ["expansion.yaml": Self.expansion])
        let run = try await CommandRun.bulwark(["gatekeeper", "test", "-f", folder.path])
        #expect(run.status == status, "\(run.errors)")
        #expect(
            run.output.hasSuffix("Deployment/bad: [NoHost/all] \(action): [Implied by pods] host network\n"),
            "\(run.output)")
    }

    @Test func withoutTheExpansionTheDeploymentPasses() async throws {
        let folder = try folder()
        let run = try await CommandRun.bulwark(["gatekeeper", "test", "-f", folder.path])
        #expect(run.status == 0)
        #expect(run.output.isEmpty)
    }

    @Test func outputIsReadAsWhatItIs() async throws {
        let folder = try folder("warn", ["expansion.yaml": Self.expansion])
        for format in ["json", "yaml"] {
            let run = try await CommandRun.bulwark(["gatekeeper", "test", "-o", format, "-f", folder.path])
            let root = try #require(
                DocumentReader.documents(in: Array(run.output.utf8), source: "output").first
            ).get().root
            #expect(root["schemaVersion"]?.int == 1, "\(run.output)")
            #expect(root["results"]?[0]?["message"]?.string == "[Implied by pods] host network")
            #expect(root["results"]?[0]?["namespace"]?.string == "shop")
            #expect(root["results"]?[0]?["enforcementActions"]?[0]?.string == "warn")
        }
    }

    @Test(arguments: [("deny", false), ("warn", true)])
    func actionsAreChosen(action: String, isShown: Bool) async throws {
        let folder = try folder("warn", ["expansion.yaml": Self.expansion])
        let run = try await CommandRun.bulwark(
            ["gatekeeper", "test", "--enforcement", action, "-f", folder.path])
        #expect(run.output.isEmpty != isShown)
    }

    @Test(arguments: [
        (
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Other\nmetadata: {name: a}",
            "Other/a: there is no template"
        ),
        (
            "apiVersion: mutations.gatekeeper.sh/v1\nkind: Assign\nmetadata: {name: a}",
            "Assign/a: spec.location is missing"
        ),
        (
            "apiVersion: config.gatekeeper.sh/v1alpha1\nkind: Config\nmetadata: {name: a}",
            "Config/a: metadata.name must be"
        ),
    ])
    func whatCannotBeUsedIsSaid(text: String, wanted: String) async throws {
        let folder = try folder("warn", ["wrong.yaml": text])
        let run = try await CommandRun.bulwark(["gatekeeper", "test", "-f", folder.path])
        #expect(run.status == 3)
        #expect(run.errors.contains(wanted), "\(run.errors)")
    }

    @Test(arguments: [("1", 0), ("no", 1)])
    func suitesExpand(violations: String, status: Int32) async throws {
        let documents = Self.policy.replacing("ACTION", with: "deny").split(separator: "---\n").map(String.init)
        let objects = Self.objects.split(separator: "---\n").map(String.init)
        let suite = """
            kind: Suite
            apiVersion: test.gatekeeper.sh/v1alpha1
            tests:
            - name: host
              template: template.yaml
              constraint: constraint.yaml
              expansion: expansion.yaml
              cases:
              - {name: bad, object: bad.yaml, assertions: [{violations: \(violations)}]}
            """
        let folder = try ScratchFolder()
        for (name, text) in [
            ("suite.yaml", suite), ("template.yaml", documents[0]), ("constraint.yaml", documents[1]),
            ("bad.yaml", objects[1]), ("expansion.yaml", Self.expansion),
        ] { try folder.write(text, to: name) }
        let run = try await CommandRun.bulwark(["gatekeeper", "verify", folder.path + "/..."])
        #expect(run.status == status, "\(run.output)\(run.errors)")
    }
}
