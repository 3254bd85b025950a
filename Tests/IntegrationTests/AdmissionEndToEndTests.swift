// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Synchronization
import TestSupport
import Testing

/// The program as it is shipped, asked by a real API server.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionEndToEndTests {
    @Test func podsAreJudged() async throws {
        let folder = try ScratchFolder()
        try folder.write(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", to: "audit.yaml")
        let log = folder.path + "/audit.log"
        let flags = [
            "--feature-gates=EphemeralContainers=true", "--audit-policy-file=\(folder.path)/audit.yaml",
            "--audit-log-path=\(log)",
        ]
        try await AdmissionWorld.run(flags: flags) { world in
            let replicas = try await world.ready()
            defer { for replica in replicas { replica.end(SIGKILL) } }

            let bad = try await world.pod("bad", good: false)
            #expect(bad.status == 403)
            for part in [
                #"container \"app\""#, "spec.containers[0].securityContext.privileged", "restricted", "to pass,",
            ] {
                #expect(bad.text.contains(part), "\(part): \(bad.text)")
            }
            let good = try await world.pod("good", good: true)
            #expect(good.status == 201, "\(good.text)")
            let annotations = good.json?["metadata"]?["annotations"]?.members.map { $1.string ?? "" } ?? []
            #expect(annotations.contains("restricted"), "\(good.text)")
            let dry = try await world.pod("dry", good: true, query: "?dryRun=All")
            #expect(dry.status == 201)
            #expect(try await world.send("GET", "/api/v1/namespaces/shop/pods/dry").status == 404)
            // An update that changes no more than labels passes.
            let labelled = try await world.send(
                "PATCH", "/api/v1/namespaces/shop/pods/good", #"{"metadata":{"labels":{"a":"b"}}}"#,
                type: "application/merge-patch+json")
            #expect(labelled.status == 200, "\(labelled.text)")
            // This server sends debug containers without their pod: it is looked up, and judged with them.
            func debug(_ pod: String) async throws -> AdmissionWorld.Answer {
                try await world.send(
                    "PUT", "/api/v1/namespaces/shop/pods/\(pod)/ephemeralcontainers",
                    #"{"apiVersion":"v1","kind":"EphemeralContainers","metadata":{"name":"\#(pod)"},"ephemeralContainers":[{"name":"debug","image":"x","imagePullPolicy":"Always","terminationMessagePolicy":"File"}]}"#
                )
            }
            let badDebug = try await debug("good")
            #expect(badDebug.status == 403, "\(badDebug.text)")
            #expect(badDebug.text.contains("spec.ephemeralContainers[0].securityContext"), "\(badDebug.text)")
            #expect(try await world.policy("soft", #"{"standard":{"level":"baseline"}}"#).status == 201)
            #expect(try await world.bind("soft", account: "soft").status == 201)
            try await AdmissionInstallTests.wait {
                try await world.pod("s", "soft", good: false, query: "?dryRun=All").status == 403
            }
            #expect(try await world.pod("soft", "soft", good: true).status == 201)
            let goodDebug = try await debug("soft")
            #expect(goodDebug.status == 200, "\(goodDebug.text)")

            // Nobody else is bound, and the control plane's namespace is never asked about.
            // Whom no binding matches the policy that is shipped warns.
            try await AdmissionInstallTests.wait {
                try await world.pod("any", "other", good: false, query: "?dryRun=All").warnings
                    .contains("bulwark-default")
            }
            let free = try await world.pod("free", "other", good: false)
            #expect(free.status == 201 && free.warnings.contains("privileged"), "\(free)")

            // A policy with fields fills them in and says so.
            let fields = try await world.policy(
                "filling",
                #"{"fields":{"privileged":false,"requiredDropCapabilities":["NET_RAW"],"seLinux":{"rule":"RunAsAny"},"runAsUser":{"rule":"MustRunAs","ranges":[{"min":1234,"max":1240}]},"fsGroup":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"},"volumes":["*"]}}"#
            )
            #expect(fields.status == 201, "\(fields.text)")
            #expect(try await world.bind("filling", account: "filled").status == 201)
            try await AdmissionInstallTests.wait {
                let made = try await world.send(
                    "POST", "/api/v1/namespaces/shop/pods?dryRun=All",
                    #"{"metadata":{"name":"f"},"spec":{"serviceAccountName":"filled","containers":[{"name":"app","image":"a.example/b:1"}]}}"#
                )
                let context = made.json?["spec"]?["containers"]?[0]?["securityContext"]
                return made.status == 201 && context?["runAsUser"]?.int == 1234
                    && context?["capabilities"]?["drop"]?[0]?.string == "NET_RAW"
            }
            #expect(try await world.pod("f2", "filled", good: false).status == 403)
            #expect(try await world.pod("system", good: false, in: "kube-system").status == 201)

            // Warnings reach the client.
            let watchful = try await world.policy("watchful", #"{"mode":"warn","standard":{"level":"baseline"}}"#)
            #expect(watchful.status == 201, "\(watchful.text)")
            #expect(try await world.bind("watchful", account: "watched").status == 201)
            try await AdmissionInstallTests.wait {
                try await world.pod("w", "watched", good: false, query: "?dryRun=All").warnings.contains("watchful")
            }
            let deployment = try await world.send(
                "POST", "/apis/apps/v1/namespaces/shop/deployments",
                #"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"serviceAccountName":"cart","containers":[{"name":"app","image":"a.example/b:1","securityContext":{"privileged":true}}]}}}}"#
            )
            #expect(deployment.status == 201 && deployment.warnings.contains("will be refused by"), "\(deployment)")

            // A policy that only audits lets through and says so in the audit log.
            let quiet = try await world.policy("quiet", #"{"mode":"audit","standard":{"level":"baseline"}}"#)
            #expect(quiet.status == 201, "\(quiet.text)")
            #expect(try await world.bind("quiet", account: "audited").status == 201)
            try await AdmissionInstallTests.wait {
                let made = try await world.pod("q", "audited", good: false, query: "?dryRun=All")
                let seen = try String(contentsOfFile: log, encoding: .utf8)
                return made.status == 201 && made.warnings.isEmpty && seen.contains("audit-violations")
            }
            // An exemption lets one user's pods through, names who answers for it, and ends.
            func exempting(_ name: String, until: String) async throws {
                let made = try await world.policy(
                    name,
                    #"{"standard":{"level":"baseline"},"exemptions":[{"users":["bulwark-test-admin"],"namespaces":["shop"],"owner":"ops","reason":"moving house","expires":"\#(until)"}]}"#
                )
                #expect(made.status == 201, "\(made.text)")
                #expect(try await world.bind(name, account: name).status == 201)
            }
            try await exempting("lasting", until: "2999-01-01T00:00:00Z")
            try await exempting("ended", until: "2001-01-01T00:00:00Z")
            try await AdmissionInstallTests.wait {
                try await world.pod("e", "ended", good: false, query: "?dryRun=All").status == 403
            }
            let exempt = try await world.pod("l", "lasting", good: false, query: "?dryRun=All")
            #expect(exempt.status == 201, "\(exempt.text)")
            try await AdmissionInstallTests.wait {
                try String(contentsOfFile: log, encoding: .utf8).contains("ops: moving house")
            }

            // Policies and bindings themselves.
            let wrong = try await world.policy("wrong", #"{"standard":{"level":"restricted","version":"v9"}}"#)
            #expect(wrong.status == 422 && wrong.text.contains("spec.standard.version"), "\(wrong.text)")
            for (name, verbs) in [("binder", #"["create"]"#)] {
                let role = try await world.send(
                    "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                    #"{"metadata":{"name":"\#(name)"},"rules":[{"apiGroups":["policy.bulwark.dev"],"resources":["podpolicybindings"],"verbs":\#(verbs)}]}"#
                )
                #expect(role.status == 201)
            }
            try await grant(world, role: "binder", to: "anna")
            var refused = try await world.bind("watchful", account: "annas", as: "anna")
            // Authorizers learn of roles by watching.
            try await AdmissionInstallTests.wait {
                refused = try await world.bind("watchful", account: "annas", as: "anna")
                return refused.text.contains("verb use")
            }
            #expect(refused.status == 403)
            _ = try await world.send(
                "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                #"{"metadata":{"name":"user"},"rules":[{"apiGroups":["policy.bulwark.dev"],"resources":["podpolicies"],"verbs":["use"],"resourceNames":["watchful"]}]}"#
            )
            try await grant(world, role: "user", to: "anna")
            try await AdmissionInstallTests.wait {
                try await world.bind("watchful", account: "annas", as: "anna").status == 201
            }
            let audit = try String(contentsOfFile: log, encoding: .utf8)
            #expect(audit.contains(#"pod-policy":"restricted"#))
        }
    }

    private func grant(_ world: AdmissionWorld, role: String, to user: String) async throws {
        let made = try await world.send(
            "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            #"{"metadata":{"name":"\#(role)"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"\#(role)"},"subjects":[{"kind":"User","name":"\#(user)","apiGroup":"rbac.authorization.k8s.io"}]}"#
        )
        #expect(made.status == 201, "\(made.text)")
    }

    /// What became of pods that were made all the time.
    private struct Tally: Sendable {
        var refused = 0
        var admitted = 0
        var goodLost: [String] = []
        var badAdmitted = 0
    }

    private final class Load: Sendable {
        let tally = Mutex(Tally())
        let isDone = Mutex(false)
    }

    /// Asks for good and bad pods in turn while `body` does something to the servers.
    private func underLoad(
        _ world: AdmissionWorld, mayAdmitBad: Bool = false, _ body: @Sendable () async throws -> Void
    ) async throws -> Tally {
        let load = Load()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for worker in 0..<3 {
                tasks.addTask {
                    while !load.isDone.withLock({ $0 }) {
                        let bad = try await world.pod("bad-\(worker)", good: false, query: "?dryRun=All")
                        let good = try await world.pod("good-\(worker)", good: true, query: "?dryRun=All")
                        load.tally.withLock {
                            if bad.status == 201 { $0.badAdmitted += 1 } else { $0.refused += 1 }
                            if good.status == 201 { $0.admitted += 1 } else { $0.goodLost.append(good.text) }
                        }
                    }
                }
            }
            defer { load.isDone.withLock { $0 = true } }
            try await Task.sleep(for: .milliseconds(500))
            try await body()
            load.isDone.withLock { $0 = true }
            try await tasks.waitForAll()
        }
        let tally = load.tally.withLock { $0 }
        #expect(mayAdmitBad || tally.badAdmitted == 0)
        return tally
    }

    @Test func nothingBadSlipsThrough() async throws {
        try await AdmissionWorld.run { world in
            var replicas = try await world.ready()
            defer { for replica in replicas { replica.end(SIGKILL) } }

            // The certificate is exchanged under load: nobody notices.
            let renewal = try await underLoad(world) {
                let gone = try await world.send(
                    "DELETE", "/api/v1/namespaces/bulwark-system/secrets/bulwark-admission-tls")
                #expect(gone.status == 200)
                try await Task.sleep(for: .seconds(3))
            }
            #expect(renewal.badAdmitted == 0 && renewal.goodLost.isEmpty, "\(renewal)")
            #expect(renewal.admitted > 0 && renewal.refused > 0)

            // A policy is loosened and tightened again: once that is seen, no answer is wrong.
            let turns = try await underLoad(world, mayAdmitBad: true) {
                for (level, bad) in [
                    ("privileged", 201), ("restricted", 403), ("privileged", 201), ("restricted", 403),
                ] {
                    let changed = try await world.send(
                        "PATCH", AdmissionWorld.policies + "/restricted",
                        #"{"spec":{"standard":{"level":"\#(level)"}}}"#, type: "application/merge-patch+json")
                    #expect(changed.status == 200, "\(changed.text)")
                    // Both replicas must have seen it: several in a row.
                    try await AdmissionInstallTests.wait {
                        for _ in 0..<6 {
                            if try await world.pod("turn", good: false, query: "?dryRun=All").status != bad {
                                return false
                            }
                        }
                        return true
                    }
                    for _ in 0..<10 {
                        #expect(try await world.pod("turn", good: false, query: "?dryRun=All").status == bad)
                    }
                }
            }
            #expect(turns.goodLost.isEmpty, "\(turns)")

            // A replica dies: nothing bad gets in, and good pods get in again.
            let victim = replicas[0]
            let death = try await underLoad(world) {
                victim.end(SIGKILL)
                try await AdmissionInstallTests.wait {
                    try await world.pod("after", good: true, query: "?dryRun=All").status == 201
                }
            }
            #expect(death.badAdmitted == 0 && death.refused > 0, "\(death)")
            replicas[0] = try await world.replica(["--install"])
            world.balancer.set(replicas.map(\.port))

            // All die: refused by the failure policy, but kube-system works, and there is a way out.
            for replica in replicas { replica.end(SIGKILL) }
            let down = try await world.pod("down", good: true)
            #expect(down.status == 500 && down.text.contains("failed calling webhook"), "\(down.text)")
            #expect(try await world.pod("system", good: false, in: "kube-system").status == 201)
            let off = try await ServeProcess.run(
                ["admission", "disable", "--kubeconfig", world.cluster.kubeconfig, "--url", world.url])
            #expect(off.status == 0, "\(off.errors)")
            try await AdmissionInstallTests.wait { try await world.pod("free", good: false).status == 201 }
        }
    }
}
