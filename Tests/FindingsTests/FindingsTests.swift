// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Testing

@Suite struct FindingsTests {
    @Test(arguments: [
        ("", "anything", true), ("*", "anything", true), ("shop", "shop", true), ("shop", "shops", false),
        ("log-*", "log-agent", true), ("log-*", "blog-agent", false), ("*-agent", "log-agent", true),
        ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("*a*", "bbb", false), ("a**", "a", true),
    ])
    func patternsMatchWholeNames(pattern: String, text: String, matches: Bool) {
        #expect(Exemption.matches(pattern, text) == matches)
    }

    /// A pattern of stars against a text that almost matches must not take exponential time.
    @Test func hostilePatternsEnd() {
        let pattern = String(repeating: "a*", count: 200) + "b"
        #expect(!Exemption.matches(pattern, String(repeating: "a", count: 5000)))
    }

    private static let check = Check(
        id: "BW-HOST-001", slug: "host-network", area: "host", title: "t", severity: .high, why: "w", remediation: "r",
        aliases: [("checkov", ["CKV_K8S_19"])])
    private static let subject = Subject(
        cluster: "prod", apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web")

    @Test(arguments: [
        (Exemption(owner: "o", reason: "r"), true),
        (Exemption(owner: "o", reason: "r", expiry: 100), false),
        (Exemption(owner: "o", reason: "r", expiry: 101), true),
        (Exemption(owner: "o", reason: "r", checks: ["ckv_k8s_19"]), true),
        (Exemption(owner: "o", reason: "r", checks: ["host-pid"]), false),
        (Exemption(owner: "o", reason: "r", namespace: "sh*", kind: "deployment", name: "web"), true),
        (Exemption(owner: "o", reason: "r", cluster: "test"), false),
        (Exemption(owner: "o", reason: "r", container: "sidecar"), false),
    ])
    func exemptionsCoverWhatTheySay(exemption: Exemption, covers: Bool) {
        #expect(exemption.covers(check: Self.check, subject: Self.subject, container: "app", now: 100) == covers)
    }

    /// What a workload has by its images and under constraints is found on subjects of its own; an exemption of the workload
    /// covers it.
    @Test(arguments: [
        ("Deployment", [true, true, true, false]), ("deployment", [true, true, true, false]),
        ("", [true, true, true, true]), ("Deployment images", [false, true, false, false]),
        ("deployment Constraints", [false, false, true, false]), ("Deploy", [false, false, false, false]),
        ("DaemonSet", [false, false, false, false]), ("images", [false, false, false, false]),
    ])
    func exemptionsCoverTheWholeWorkload(kind: String, covers: [Bool]) {
        let exemption = Exemption(owner: "o", reason: "r", namespace: "shop", kind: kind, name: "web")
        var other = Self.subject
        other.kind = "DeploymentConfig"
        let subjects = [Self.subject, Self.subject.runningImages, Self.subject.underConstraints, other]
        #expect(subjects.map { exemption.covers(check: Self.check, subject: $0, container: "", now: 0) } == covers)
        var elsewhere = exemption
        elsewhere.name = "cart"
        #expect(!subjects.contains { elsewhere.covers(check: Self.check, subject: $0, container: "", now: 0) })
    }

    @Test func scoresWeighPassesBySeverity() {
        var summary = Summary()
        #expect(summary.score == 100)
        summary.add(.pass, .critical)
        summary.add(.fail, .low, count: 8)
        // 16 of 16 + 8 * 2.
        #expect(summary.score == 50)
        summary.add(.error, .critical, count: 5)
        #expect(summary.score == 50)
        #expect(summary.worst == .low)
        summary.add(.warn, .high)
        #expect(summary.worst == .high)
    }

    @Test func fingerprintsReadBack() throws {
        let fingerprint = Fingerprint(high: 0x0123_4567_89ab_cdef, low: 7)
        #expect(fingerprint.description == "0123456789abcdef0000000000000007")
        #expect(Fingerprint(fingerprint.description) == fingerprint)
        #expect(Fingerprint("xyz") == nil)
        #expect(Fingerprint(String(repeating: "g", count: 32)) == nil)
    }

    @Test func severitiesAreOrderedAndNamed() {
        #expect(Severity(name: "HIGH") == .high)
        #expect(Severity(name: "info") == .informational)
        #expect(Severity(name: "severe") == nil)
        #expect(Severity.allCases == Severity.allCases.sorted())
    }

    @Test func groupsIgnoreVersions() {
        #expect(Subject(apiVersion: "apps/v1", kind: "Deployment", name: "a").group == "apps")
        #expect(Subject(apiVersion: "v1", kind: "Pod", name: "a").group == "")
    }

    @Test func aWorkloadAsOneWhoRunsImagesIsAnotherSubject() {
        for (api, kind, namespace, expected) in [
            ("apps/v1", "Deployment", "shop", "apps.images.bulwark.dev/v1"),
            ("v1", "Pod", "shop", "images.bulwark.dev/v1"),
            ("argoproj.io/v1alpha1", "Rollout", "", "argoproj.io.images.bulwark.dev/v1alpha1"),
        ] {
            let workload = Subject(cluster: "main", apiVersion: api, kind: kind, namespace: namespace, name: "cart")
            let runner = workload.runningImages
            #expect(runner.apiVersion == expected && runner.kind == "\(kind) images" && runner != workload)
            #expect(runner.cluster == "main" && runner.namespace == namespace && runner.name == "cart")
            #expect(runner.imageRunner == workload)
            #expect(workload.imageRunner == nil && workload.underConstraints.imageRunner == nil)
        }
        #expect(Subject(apiVersion: "images.bulwark.dev/v1", kind: "Image", name: "a").imageRunner == nil)
        #expect(Subject(apiVersion: "notimages.bulwark.dev/v1", kind: "A images", name: "a").imageRunner == nil)
    }
}
