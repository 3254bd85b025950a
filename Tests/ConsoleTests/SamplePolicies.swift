// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Console
import Findings
import Store
import Synchronization

/// Pod policies of a shop, with names that would be markup among them, and the decisions of a busy day.
final class SamplePolicies: PolicyControl {
    struct State: Equatable {
        var state = PolicyState(
            failurePolicy: "Ignore", disabledNamespaces: ["sandbox"],
            excludedNamespaces: ["bulwark", "kube-node-lease", "kube-public", "kube-system"])
        var policies = SamplePolicies.policies
        var bindings = SamplePolicies.bindings
        var askedBy: [String] = []
    }

    static let hostile = "<script>alert(1)</script>\"'"
    private let state_ = Mutex(State())

    var current: State { state_.withLock { $0 } }

    func change(_ body: (inout State) -> Void) { state_.withLock { body(&$0) } }

    func state() async -> PolicyState { current.state }
    func policies() async -> [PolicyDetail] { current.policies }
    func bindings() async -> [BindingDetail] { current.bindings }

    func preview(_ draft: BindingDraft) async throws -> BindingPreview {
        if draft.subjects.contains(.user("unreachable")) {
            throw ConsoleError(.unavailable, "The cluster does not answer.")
        }
        guard draft.policy == "restricted" else { return BindingPreview(workloads: [], counts: [.accepted: 7]) }
        return BindingPreview(
            workloads: Self.previewed, counts: [.refused: 2, .changed: 1, .warned: 1, .accepted: 31, .error: 1])
    }

    func bind(_ draft: BindingDraft, by: String) async throws {
        if draft.subjects.contains(.user("forbidden")) {
            throw ConsoleError(.forbidden, "The server's account may not use the policy \(draft.policy).")
        }
        change {
            $0.askedBy.append(by)
            $0.bindings.append(
                BindingDetail(
                    name: draft.name, policy: draft.policy, subjects: draft.subjects, namespaces: draft.namespaces))
        }
    }

    func unbind(_ name: String, by: String) async throws {
        change {
            $0.askedBy.append(by)
            $0.bindings.removeAll { $0.name == name }
        }
    }

    func setPolicy(_ name: String, isEnabled: Bool, by: String) async throws {
        change { state in
            for index in state.policies.indices where state.policies[index].name == name {
                state.policies[index].isEnabled = isEnabled
            }
        }
    }

    func setNamespace(_ name: String, isEnabled: Bool, by: String) async throws {
        change {
            $0.state.disabledNamespaces.removeAll { $0 == name }
            if !isEnabled { $0.state.disabledNamespaces.append(name) }
        }
    }

    func setControl(isEnabled: Bool, by: String) async throws { change { $0.state.isEnabled = isEnabled } }

    private static let policies: [PolicyDetail] = [
        PolicyDetail(
            name: "default-baseline", mode: "warn", kind: "baseline@latest", isDefault: true,
            rules: [
                .init("Host namespaces", "none of hostNetwork, hostPID and hostIPC"),
                .init("Privileged containers", "no"), .init("Host paths", "none"),
            ]),
        PolicyDetail(
            name: "restricted", mode: "enforce", kind: "fields",
            rules: [
                .init("Privileged containers", "no"), .init("Host network", "no"),
                .init(
                    "Volumes",
                    "configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret"),
                .init("User", "must not be root"), .init("Dropped capabilities", "ALL"),
                .init("Privilege escalation", "not allowed; filled in as false"),
                .init("SELinux", "any", isRestricting: false), .init("File system groups", "any", isRestricting: false),
            ],
            exemptions: [
                .init(
                    namespaces: ["monitoring"], owner: "team-observability",
                    reason: "The node exporter reads the host until it moves to the agent", expiry: 1_793_000_000),
                .init(
                    users: ["system:serviceaccount:ci:builder"], owner: "Ada", reason: "Builds", expiry: 1_700_000_000),
            ]),
        PolicyDetail(
            name: hostile, mode: "audit", kind: "restricted@v1.30", isEnabled: false,
            rules: [.init(hostile, hostile)],
            exemptions: [.init(users: [hostile], owner: hostile, reason: hostile)], problem: "\(hostile) is unknown"),
    ]

    private static let bindings: [BindingDetail] = [
        BindingDetail(
            name: "shop-restricted", policy: "restricted",
            subjects: [
                .serviceAccount(namespace: "shop", name: "cart"), .serviceAccount(namespace: "shop", name: "web"),
            ],
            namespaces: ["shop", "pay"]),
        BindingDetail(
            name: "devs", policy: "restricted", subjects: [.group("developers"), .user("alice@example.org")],
            selector: "team in (shop, pay)"),
        BindingDetail(
            name: hostile, policy: "gone", subjects: [.user(hostile)], problem: "there is no policy gone"),
    ]

    private static let previewed: [BindingPreview.Workload] = [
        .init(
            subject: Subject(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "cart"),
            serviceAccount: "shop/cart", verdict: .refused, policy: "restricted",
            reasons: [
                reason(
                    "cart", "spec.containers[0].securityContext.privileged", "true",
                    "privileged containers are not allowed"),
                reason("init-db", "spec.initContainers[0].securityContext.runAsUser", "0", "the user must not be root"),
            ]),
        .init(
            subject: Subject(apiVersion: "v1", kind: "Pod", namespace: hostile, name: hostile),
            serviceAccount: hostile, verdict: .error, policy: hostile,
            reasons: [reason(hostile, hostile, hostile, hostile)]),
        .init(
            subject: Subject(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web"),
            serviceAccount: "shop/web", verdict: .changed, policy: "restricted",
            changes: [
                .init(
                    container: "web", path: "spec.containers[0].securityContext.allowPrivilegeEscalation",
                    after: "false"),
                .init(path: "spec.securityContext.fsGroup", before: "0", after: "2000"),
            ]),
    ]

    private static func reason(_ container: String, _ path: String, _ value: String, _ message: String)
        -> AdmissionDecision.Reason
    {
        .init(
            policy: "restricted", container: container, path: path, value: value, message: message,
            remedy: "set it to false or remove it")
    }

    /// A day of decisions that ends at `now`: four an hour, and some thousand plain ones.
    static func record(in store: Store, now: Int64) async throws {
        for step in 0..<96 {
            let time = now - Int64(step) * 900
            for _ in 0..<(20 + step * 7 % 23) {
                store.admission.record(decision(.allow, step, time))
            }
            switch step % 8 {
            case 0, 5: store.admission.record(decision(.deny, step, time))
            case 2, 3: store.admission.record(decision(.warn, step, time))
            case 6: store.admission.record(decision(.audit, step, time))
            case 7: store.admission.record(decision(.error, step, time))
            default: break
            }
            try await store.admission.flush()
        }
    }

    private static func decision(_ action: AdmissionDecision.Action, _ step: Int, _ time: Int64) -> AdmissionDecision {
        let names = ["cart", "web", "payments-worker", hostile]
        let name = action == .allow ? "clean" : names[step % 16 == 5 ? 3 : step % 3]
        var reasons: [AdmissionDecision.Reason] = []
        if action == .error {
            reasons = [.init(policy: "", message: "the namespace shop is not known yet")]
        } else if action != .allow {
            reasons = [
                reason(
                    "app", "spec.containers[0].securityContext.privileged", "true",
                    "privileged containers are not allowed"),
                reason("", "spec.hostNetwork", "true", "the host's network is not allowed"),
                reason(
                    name, "spec.containers[1].securityContext.capabilities.add[0]", "\"SYS_ADMIN\"",
                    "the capability SYS_ADMIN is not allowed"),
                reason("sidecar", "spec.volumes[2].hostPath", "{\"path\":\"/\"}", "host paths are not allowed"),
            ]
        }
        return AdmissionDecision(
            uid: "uid-\(step)", time: time * 1000, reviewer: "pod-policies", action: action,
            allowed: action != .deny, operation: step % 4 == 0 ? "UPDATE" : "CREATE",
            subject: Subject(
                apiVersion: "v1", kind: "Pod", namespace: step % 2 == 0 ? "shop" : "pay", name: "\(name)-7d9f-\(step)"),
            workload: name,
            user: step % 5 == 0 ? "alice@example.org" : "system:serviceaccount:kube-system:replicaset-controller",
            serviceAccount: "shop/\(name)", policy: action == .warn ? "default-baseline" : "restricted",
            reasons: reasons, dryRun: step % 24 == 0, changed: action == .allow && step % 3 == 0,
            microseconds: 640 + step)
    }
}
