// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import PodPolicies
import TestSupport
import Testing

/// The same pods for the same accounts, once to the real PodSecurityPolicy plugin (in a kube-apiserver 1.20.2) and
/// once to our judge: the same answer, the same fields filled in, the same policy chosen.
@Suite(.enabled(if: TestCluster.isAvailable)) struct PodSecurityPolicyDifferentialTests {
    @Test(.timeLimit(.minutes(10))) func answersAsThePluginDoes() async throws {
        try await compare(policies: 40, pods: 40, seed: 20)
    }

    @Test(.timeLimit(.minutes(40)), .enabled(if: ProcessInfo.processInfo.environment["BULWARK_SOAK"] == "1"))
    func answersAsThePluginDoesSoak() async throws {
        try await compare(policies: 44, pods: 400, seed: 1)
    }

    /// `BULWARK_TEST_SEED` gives other policies and pods.
    private func compare(policies: Int, pods: Int, seed: UInt64) async throws {
        let seed = ProcessInfo.processInfo.environment["BULWARK_TEST_SEED"].flatMap { UInt64($0) } ?? seed
        let started = ContinuousClock.now
        let world = try await PodSecurityPolicyWorld.make(policies: policies, seed: seed)
        var maker = PodMaker(seed: seed &+ 2)
        let texts = (0..<pods).map { maker.pod(named: "pod-\($0)").json }
        var result = DifferentialTally()
        for account in world.accounts {
            let client = try world.client(as: account)
            try await withThrowingTaskGroup(of: [(ours: OurAnswer, theirs: PluginAnswer, text: String)].self) { group in
                let workers = 8
                for worker in 0..<workers {
                    group.addTask {
                        var answers: [(ours: OurAnswer, theirs: PluginAnswer, text: String)] = []
                        for index in stride(from: worker, to: texts.count, by: workers) {
                            let theirs = try await PluginAnswer.ask(client, account.namespace, texts[index])
                            let ours = try OurAnswer.find(world, account, texts[index])
                            answers.append((ours, theirs, texts[index]))
                        }
                        return answers
                    }
                }
                for try await answers in group {
                    for answer in answers {
                        result.compare(answer.ours, answer.theirs, pod: answer.text, account: account)
                    }
                }
            }
        }
        for difference in result.differences.prefix(40) { print("DIFFERENCE \(difference)") }
        print(
            "PSP: seed \(seed), \(world.policies.count) policies, \(world.problems.count) not applicable, \(pods) pods, "
                + "\(world.accounts.count) accounts, \(result.counts), \(result.differences.count) differences, "
                + "\(ContinuousClock.now - started)")
        #expect(result.differences.isEmpty)
        // A test that compares only one kind of answer shows nothing.
        let counts = result.counts
        let total = counts.values.reduce(0, +)
        #expect(total == pods * world.accounts.count)
        for (kind, share) in [("refused", 0.2), ("accepted as is", 0.05), ("accepted with changes", 0.1)] {
            #expect(Double(counts[kind] ?? 0) > share * Double(total), "\(kind)")
        }
        try await world.cluster.down()
    }
}

/// What the plugin and its API server made of a pod.
enum PluginAnswer: Sendable {
    case refused(String)
    /// Admission took it and validation did not.
    case invalid(String)
    case accepted(Pod)

    static func ask(_ client: APIClient, _ namespace: String, _ pod: String) async throws -> PluginAnswer {
        do {
            let object = try await client.create(.pods, namespace: namespace, .json(pod), options: .init(dryRun: true))
            return .accepted(try Pod(object.node))
        } catch let error as KubernetesError
            where error.code == .forbidden && error.message.contains("PodSecurityPolicy: unable to admit")
        {
            return .refused(error.message)
        } catch let error as KubernetesError where error.code == .invalid {
            return .invalid(error.message)
        }
    }
}

/// What we make of it: the choice while it may be changed, then, as the API server asks twice, of what came out.
struct OurAnswer: Sendable {
    var given: Pod
    var first: PolicyChoice
    var second: PolicyChoice?

    static func find(
        _ world: PodSecurityPolicyWorld, _ account: PodSecurityPolicyWorld.Account, _ text: String
    ) throws -> OurAnswer {
        let document = try JSONReader.read(Array(text.utf8), source: "pod")
        let pod = try Pod(document.root).asAdmissionSeesIt(namespace: account.namespace)
        let candidates = world.candidates(for: account, serviceAccount: pod.serviceAccountName)
        let first = PolicyChoice.among(candidates, for: pod, mayChange: true)
        guard case .accepted(let name, let filled) = first else { return OurAnswer(given: pod, first: first) }
        try expectPatch(from: pod, to: filled, raw: document)
        let second = PolicyChoice.among(candidates, for: filled.asStored(), mayChange: false, hint: name)
        return OurAnswer(given: pod, first: first, second: second)
    }

    /// The patch makes of the object that was sent what the choice says.
    private static func expectPatch(from pod: Pod, to filled: Pod, raw: Document) throws {
        let patch = pod.patch(to: filled, raw: raw.root)
        let text = try patch.reduce(EditValue(raw.root)) { try $0.applying($1) }.json
        let patched = try Pod(JSONReader.read(Array(text.utf8), source: "patched").root)
        #expect(patched.asAdmissionSeesIt(namespace: pod.namespace) == filled, "\(patch)")
    }
}

extension Pod {
    /// The defaults that an API server sets before admission, of what policies look at.
    func asAdmissionSeesIt(namespace: String) -> Pod {
        var pod = self
        pod.namespace = namespace
        if pod.security == nil { pod.security = PodSecurityContext() }
        guard hostNetwork else { return pod }
        func fill(_ containers: inout [Container]) {
            for box in containers.indices {
                for port in containers[box].ports.indices where containers[box].ports[port].hostPort == 0 {
                    containers[box].ports[port].hostPort = containers[box].ports[port].containerPort
                }
            }
        }
        fill(&pod.initContainers)
        fill(&pod.containers)
        return pod
    }

    /// What the API server adds after the mutating phase: the annotation for every seccomp field without one.
    func asStored() -> Pod {
        var pod = self
        func annotate(_ key: String, _ profile: Profile?) {
            guard let profile, pod.annotations[key] == nil else { return }
            switch profile.type {
            case "RuntimeDefault": pod.annotations[key] = "runtime/default"
            case "Unconfined": pod.annotations[key] = "unconfined"
            default: pod.annotations[key] = "localhost/" + (profile.localhostProfile ?? "")
            }
        }
        annotate("seccomp.security.alpha.kubernetes.io/pod", security?.seccomp)
        for container in allContainers {
            annotate("container.seccomp.security.alpha.kubernetes.io/" + container.name, container.security?.seccomp)
        }
        return pod
    }

    /// Without what an API server's answer leaves out or adds and no policy looks at.
    func comparable() -> Pod {
        var pod = self
        if pod.security?.supplementalGroups == [] { pod.security?.supplementalGroups = nil }
        func trim(_ containers: inout [Container]) {
            for index in containers.indices {
                for port in containers[index].ports.indices { containers[index].ports[port].protocol = "" }
            }
        }
        trim(&pod.initContainers)
        trim(&pod.containers)
        for index in pod.volumes.indices where pod.volumes[index].type.isEmpty { pod.volumes[index].type = "emptyDir" }
        for index in pod.volumes.indices {
            pod.volumes[index].isServiceAccountProjection = false
            pod.volumes[index].projectedSources = []
        }
        return pod
    }
}

struct DifferentialTally {
    var counts: [String: Int] = [:]
    var differences: [String] = []

    mutating func compare(
        _ ours: OurAnswer, _ theirs: PluginAnswer, pod: String, account: PodSecurityPolicyWorld.Account
    ) {
        func differs(_ what: String) {
            differences.append("\(account.user) in \(account.namespace): \(what)\n  pod \(pod)")
        }
        switch (ours.first, theirs) {
        case (.refused, .refused): counts["refused", default: 0] += 1
        case (.accepted, .invalid): counts["accepted, then invalid", default: 0] += 1
        case (.accepted(let name, let filled), .accepted(var stored)):
            let chosen = stored.annotations["kubernetes.io/psp"] ?? ""
            var expected = filled.asStored()
            expected.annotations["kubernetes.io/psp"] = chosen
            stored.annotations["kubernetes.io/psp"] = chosen
            expected = expected.comparable()
            stored = stored.comparable()
            counts[filled == ours.given ? "accepted as is" : "accepted with changes", default: 0] += 1
            if chosen != name { differs("they chose \(chosen), we \(name)") }
            if expected != stored { differs("filled in otherwise\n  ours   \(expected)\n  theirs \(stored)") }
            if case .accepted(name, _)? = ours.second {
            } else {
                differs("we accept at first and then not: \(String(describing: ours.second))")
            }
        case (.accepted(let name, _), .refused(let message)):
            counts["we alone accept", default: 0] += 1
            differs("we accept by \(name), they: \(message)")
        case (.refused(let reasons), .invalid(let message))
        where message.contains("seccomp type in annotation and field must match")
            && reasons.contains { $0.violations.contains { $0.message.contains("contradicts the annotation") } }:
            // docs/policies/psp-differences.md: the one refuses after admission, the other in it.
            counts["contradictory, refused by both", default: 0] += 1
        case (.refused(let reasons), _):
            counts["we alone refuse", default: 0] += 1
            let text = reasons.map { "\($0.policy): \($0.violations.map { "\($0.path): \($0.message)" })" }
            differs("we refuse: \(text), they: \(theirs)")
        }
    }
}
