// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import ImagePolicies
import Foundation
import TestSupport
import Testing

/// `bulwark policy judge` and `bulwark policy test` as processes.
@Suite struct PolicyJudgeTests {
    private static let plain = """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}, "spec": {"containers": [{"name": "c"}]}}
        """
    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec: {template: {spec: {hostPID: yes, containers: [{name: c}]}}}
        """
    private static let policy = """
        apiVersion: policy.bulwark.dev/v1
        kind: PodPolicy
        metadata: {name: house}
        spec: {standard: {level: baseline}}
        """

    private func judge(_ arguments: [String], input: String) async throws -> (run: CommandRun, results: [Node]) {
        let run = try await CommandRun.bulwark(["policy", "judge", "-", "--output", "json"] + arguments, input: input)
        let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
        #expect(report["schemaVersion"]?.string == "1")
        return (run, Array(try #require(report["results"]).elements))
    }

    @Test func judgesEveryDocumentByEveryStandard() async throws {
        let (run, results) = try await judge(
            ["--standard", "baseline", "--standard", "restricted@v1.30"],
            input: "\(Self.deployment)\n---\n\(Self.plain)\n---\nkind: Service\napiVersion: v1\n")
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            results.map { $0["policy"]?.string } == [
                "baseline@latest", "restricted@v1.30", "baseline@latest", "restricted@v1.30",
            ])
        #expect(results.map { $0["allowed"]?.bool } == [false, false, true, false])
        #expect(results[0]["violations"]?[0]?["path"]?.string == "spec.template.spec.hostPID")
        #expect(results[0]["subject"]?["namespace"]?.string == "shop")
    }

    @Test func tellsPeopleTheFieldAndTheRemedy() async throws {
        let run = try await CommandRun.bulwark(
            ["policy", "judge", "-", "--standard", "baseline"], input: "\(Self.deployment)\n---\n\(Self.plain)\n")
        #expect(
            run.output == """
                refused  Deployment shop/web  baseline@latest
                  spec.template.spec.hostPID = true
                    sharing the node's namespaces is not allowed: set it to false or remove it
                allowed  Pod plain  baseline@latest
                1 allowed, 1 refused, 0 could not be judged

                """)
    }

    @Test func judgesByPolicies() async throws {
        let scratch = try ScratchFolder()
        let file = try scratch.write(Self.policy, to: "policy.yaml")
        let (run, results) = try await judge(["-f", file, "--fail"], input: Self.deployment)
        #expect(run.status == 1, "\(run.errors)")
        #expect(results.map { $0["policy"]?.string } == ["house"])
        let wrong = try scratch.write(Self.policy.replacing("level", with: "levle"), to: "wrong.yaml")
        let refused = try await CommandRun.bulwark(["policy", "judge", "-", "-f", wrong], input: Self.plain)
        #expect(refused.status == 2 && refused.errors.contains("levle"), "\(refused.errors)")
    }

    @Test func badInputIsToldAndTheRestIsJudged() async throws {
        let broken = #"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": {"containers": "none"}}"#
        let (run, results) = try await judge(["--standard", "baseline"], input: "\(broken)\n\(Self.plain)\n")
        #expect(run.status == 3)
        #expect(results.map { $0["allowed"]?.bool } == [nil, true])
        #expect(results[0]["error"]?.string?.contains("spec.containers") == true)
        let unread = try await judge(["--standard", "baseline", "--fail"], input: "\(Self.deployment)\n---\na: [\n")
        #expect(unread.run.status == 2 && unread.results.count == 1)
        for arguments in [["--standard", "strict"], [], ["-f", "/nonexistent"]] {
            let run = try await CommandRun.bulwark(["policy", "judge", "-"] + arguments, input: Self.plain)
            #expect(run.status == 2, "\(arguments)")
        }
    }

    @Test func theExampleOfThePagesPasses() async throws {
        let run = try await CommandRun.bulwark(
            ["policy", "test", TestCluster.root + "/examples/policies", "--output", "json"])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
        let cases = try #require(report["cases"]).elements
        #expect(Set(cases.compactMap { $0["got"]?.string }) == ["allow", "warn", "deny"])
        #expect(cases.allSatisfy { $0["passed"]?.bool == true })
    }

    @Test func triesPoliciesOnCases() async throws {
        let scratch = try ScratchFolder()
        _ = try scratch.write(Self.policy, to: "policy.yaml")
        _ = try scratch.write("\(Self.plain)\n---\n\(Self.deployment)\n", to: "objects.yaml")
        let good = """
            policies: [policy.yaml]
            cases:
              - {name: plain, objects: objects.yaml, object: Pod/plain, expect: allow}
              - {name: web, objects: objects.yaml, object: Deployment/web, expect: deny, contains: [spec.template.spec.hostPID]}
            """
        _ = try scratch.write(good, to: "policy-test.yaml")
        let passed = try await CommandRun.bulwark(["policy", "test", scratch.path])
        #expect(passed.status == 0 && passed.output.contains("2 passed, 0 failed"), "\(passed.output)\(passed.errors)")

        let bad = try scratch.write(
            good.replacing("expect: allow", with: "expect: deny").replacing("hostPID", with: "hostIPC"), to: "bad.yaml")
        let failed = try await CommandRun.bulwark(["policy", "test", bad, "--output", "junit"])
        #expect(failed.status == 1 && failed.output.contains("failures=\"2\""), "\(failed.output)\(failed.errors)")

        for (old, new, status) in [
            ("expect: allow", "expect: maybe", Int32(2)), ("name: plain", "nme: plain", 2),
            ("[policy.yaml]", "[gone.yaml]", 2), ("Pod/plain", "Pod/gone", 3),
        ] {
            let file = try scratch.write(good.replacing(old, with: new), to: "case.yaml")
            let run = try await CommandRun.bulwark(["policy", "test", file])
            #expect(run.status == status, "\(new): \(run.output)\(run.errors)")
        }
    }

    private static let imagePolicy = """
        apiVersion: policy.bulwark.dev/v1
        kind: ImagePolicy
        metadata: {name: images}
        spec: {rules: {malware: true}, namespaces: {selector: {matchLabels: {env: production}}}}
        """

    private static func scan(malware: Int) -> String {
        var verdict = ImageVerdict(reference: "registry.example.com/shop/cart:1", phase: .complete)
        verdict.digest = "sha256:" + String(repeating: "ab", count: 32)
        (verdict.scanned, verdict.resolved, verdict.malware) = (1_700_000_000, 1_700_000_000, malware)
        return ImageScan.object(verdict.reference).dropLast() + "," + ImageScan.statusPatch(verdict).dropFirst()
    }

    private static func pod(_ image: String) -> String {
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"\#(image)"}]}}"#
    }

    @Test func triesImagePoliciesOnCases() async throws {
        let scratch = try ScratchFolder()
        _ = try scratch.write(Self.imagePolicy, to: "policy.yaml")
        _ = try scratch.write(Self.policy, to: "pods.yaml")
        _ = try scratch.write(Self.scan(malware: 1), to: "scan.json")
        _ = try scratch.write(Self.scan(malware: 0), to: "clean.json")
        _ = try scratch.write(Self.pod("registry.example.com/shop/cart:1"), to: "cart.json")
        _ = try scratch.write(Self.pod("registry.example.com/shop/till:1"), to: "till.json")
        _ = try scratch.write(Self.pod("UPPER CASE"), to: "odd.json")
        func test(_ policies: String, _ cases: String...) async throws -> CommandRun {
            let text = "policies: [\(policies)]\ncases:\n" + cases.map { "  - {name: c, \($0)}\n" }.joined()
            return try await CommandRun.bulwark(["policy", "test", try scratch.write(text, to: "t.yaml")])
        }
        let production = "namespaceLabels: {env: production}"
        let run = try await test(
            "policy.yaml, pods.yaml, scan.json",
            "objects: cart.json, expect: deny, contains: [holds 1 file that is malware, images], \(production)",
            "objects: till.json, expect: deny, contains: [there is no ImageScan of it], \(production)",
            "objects: cart.json, expect: allow",
            "objects: cart.json, expect: allow, namespace: kube-system, \(production)"
        )
        #expect(run.status == 0 && run.output.contains("4 passed, 0 failed"), "\(run.output)\(run.errors)")
        let clean = try await test("policy.yaml, clean.json", "objects: cart.json, expect: allow, \(production)")
        #expect(clean.status == 0, "\(clean.output)\(clean.errors)")

        // What cannot be judged is never passed over.
        let wrong = Self.imagePolicy.replacing("malware", with: "malwear")
        _ = try scratch.write(wrong, to: "wrong.yaml")
        _ = try scratch.write(Self.scan(malware: 1).replacing(#""malware":1,"#, with: ""), to: "half.json")
        for (policies, objects, status, text) in [
            ("policy.yaml", "odd.json", Int32(3), "images: container \"c\": UPPER CASE cannot be judged"),
            ("policy.yaml", "scan.json", 3, "counts only in a file of policies"),
            ("pods.yaml", "policy.yaml", 3, "counts only in a file of policies"),
            ("wrong.yaml", "cart.json", 2, "ImagePolicy images: spec.rules"),
            ("policy.yaml, half.json", "cart.json", 2, "status.malware is missing from a result"),
            ("policy.yaml, policy.yaml", "cart.json", 2, "ImagePolicy images is there twice"),
            ("scan.json", "cart.json", 2, "neither a PodPolicy nor an ImagePolicy"),
        ] {
            let run = try await test(policies, "objects: \(objects), expect: deny, \(production)")
            #expect(
                run.status == status && (run.output + run.errors).contains(text),
                "\(policies) \(objects): \(run.output)\(run.errors)")
        }
        let judged = try await CommandRun.bulwark(
            ["policy", "judge", scratch.path + "/cart.json", "-f", scratch.path + "/policy.yaml"])
        #expect(
            judged.status == 2 && judged.errors.contains("ImagePolicy images is not judged here"), "\(judged.errors)")
    }
}
