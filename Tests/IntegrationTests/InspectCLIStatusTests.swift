// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

/// The exit status is a contract: 0 done, 1 a failure reached --fail-on, 2 wrong usage or unreadable input, 3 something could not
/// be judged; the highest wins.
@Suite struct InspectCLIStatusTests {
    @Test(arguments: [
        (["inspect"], "nothing to inspect"),
        (["inspect", "--no-such-flag", "-"], "--no-such-flag"),
        (["inspect", "--check", "no-such-check", "-"], "there is no check no-such-check"),
        (["inspect", "--skip-check", "CKV_K8S_99999", "-"], "there is no check CKV_K8S_99999"),
        (["inspect", "--kind", "Gadget", "-"], "--kind Gadget"),
        (["inspect", "--output", "docx", "-"], "docx"),
        (["inspect", "--severity", "awful", "-"], "awful"),
        (["inspect", "--fail-on", "none", "-"], "none"),
        (["inspect", "--live", "-"], "not both"),
        (["inspect", "--live", "--request-timeout", "0"], "--request-timeout"),
        (["inspect", "--exemptions", "gone.yaml", "-"], "gone.yaml: no such file"),
        (["inspect", "--kubeconfig", "gone"], "gone: there is no such file"),
        (["checks", "show", "no-such-check"], "there is no check no-such-check"),
        (["gadget"], "gadget"),
    ]) func wrongUsage(_ arguments: [String], _ message: String) async throws {
        let run = try await CommandRun.bulwark(arguments, input: InspectCLIBadInputTests.good)
        #expect(run.status == 2, "\(run.errors)")
        #expect(run.errors.contains(message), "\(run.errors)")
        #expect(run.output.isEmpty, "data went out before the usage was checked: \(run.output)")
    }

    private static let unjudged =
        "kind: Pod\napiVersion: v1\nmetadata: {name: odd}\nspec: {hostNetwork: maybe, containers: [{name: a}]}\n"

    struct Case: Sendable {
        let options: [String]
        /// Which of the inputs there are: 0 has one high failure, 1 cannot be read, 2 cannot be judged.
        let parts: [Int]
        let status: Int32
    }

    private static let cases: [Case] = [
        Case(options: ["--check", "host-network"], parts: [0], status: 0),
        Case(options: ["--check", "host-network", "--fail-on", "high"], parts: [0], status: 1),
        Case(options: ["--check", "host-network", "--fail-on", "medium"], parts: [0], status: 1),
        Case(options: ["--check", "host-network", "--fail-on", "critical"], parts: [0], status: 0),
        Case(options: ["--check", "host-pid", "--fail-on", "informational"], parts: [0], status: 0),
        Case(options: ["--check", "host-network"], parts: [0, 1], status: 2),
        Case(options: ["--check", "host-network", "--fail-on", "high"], parts: [0, 1], status: 2),
        Case(options: ["--check", "host-network"], parts: [0, 2], status: 3),
        Case(options: ["--check", "host-network", "--fail-on", "high"], parts: [0, 1, 2], status: 3),
        Case(
            options: ["--check", "host-network", "--namespace", "elsewhere", "--fail-on", "high"], parts: [0], status: 0
        ),
        Case(options: ["--check", "host-network", "--kind", "Deployment", "--fail-on", "high"], parts: [0], status: 0),
        Case(
            options: ["--check", "host-network", "--severity", "critical", "--fail-on", "high"], parts: [0], status: 0),
    ]

    @Test(arguments: cases) func theHighestStatusWins(_ item: Case) async throws {
        let texts = [InspectCLIBadInputTests.good, "kind: [\n", Self.unjudged]
        let folder = try ScratchFolder()
        for part in item.parts { try folder.write(texts[part], to: "\(part).yaml") }
        for output in ["table", "json", "sarif"] {
            let run = try await CommandRun.bulwark(
                ["inspect", ".", "--output", output] + item.options, folder: folder.path)
            #expect(run.status == item.status, "\(output): \(run.errors)")
            #expect(!run.output.isEmpty)
        }
    }

    /// An exemption takes a failure out of --fail-on until it expires.
    @Test func exemptionsCountUntilTheyExpire() async throws {
        let folder = try ScratchFolder()
        try folder.write(InspectCLIBadInputTests.good, to: "good.yaml")
        for (expires, status) in [("2999-12-31", 0 as Int32), ("2020-01-01", 1)] {
            try folder.write(
                """
                exemptions:
                  - owner: platform
                    reason: the agent needs the node's network
                    expires: \(expires)
                    checks: [CKV_K8S_19]
                    namespace: shop
                """, to: "exemptions.txt")
            let run = try await CommandRun.bulwark(
                [
                    "inspect", "good.yaml", "--exemptions", "exemptions.txt", "--check", "host-network", "--fail-on",
                    "high",
                    "--output", "json",
                ], folder: folder.path)
            #expect(run.status == status, "\(expires): \(run.errors)")
            let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
            let outcomes = report["results"]?.elements.compactMap { $0["outcome"]?.string }
            #expect(outcomes == [status == 0 ? "skip" : "fail"])
        }
    }

    @Test(arguments: [
        ("exemptions: 7", "expected a list"), ("exemptions:\n- owner: a\n", "owner and reason"),
        ("exemptions:\n- {owner: a, reason: b, until: 2027-01-01}\n", "until"),
        ("exemptions:\n- {owner: a, reason: b, expires: soon}\n", "expires should be"),
        ("exemptions:\n- {owner: a, reason: b, checks: no-list}\n", "checks"),
        ("exemptions: [\n", ":2:1"), ("", "empty"),
    ]) func wrongExemptionsAreRefused(_ text: String, _ message: String) async throws {
        let folder = try ScratchFolder()
        try folder.write(text, to: "exemptions.yaml")
        let run = try await CommandRun.bulwark(
            ["inspect", "--exemptions", "exemptions.yaml", "-"], input: InspectCLIBadInputTests.good,
            folder: folder.path)
        #expect(run.status == 2 && run.output.isEmpty, "\(run.errors)")
        #expect(run.errors.hasPrefix("bulwark: exemptions.yaml") && run.errors.contains(message), "\(run.errors)")
    }

    /// A reader that goes away is no failure.
    @Test func aClosedPipeEndsQuietly() async throws {
        let run = try await CommandRun.run(
            "/bin/bash",
            [
                "-c", "set -o pipefail; \"$0\" inspect --all \"$1\" | head -n 1", CommandRun.bulwark,
                TestCluster.root + "/examples/shop",
            ], limit: .seconds(60))
        #expect(run.errors.isEmpty, "\(run.errors)")
        #expect(run.status == 0, "status \(run.status)")
    }
}
