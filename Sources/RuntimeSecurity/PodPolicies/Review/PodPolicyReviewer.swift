// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Foundation

/// Takes part in admission: judges pods by the policies bound to whoever asks, and warns of templates.
package final class PodPolicyReviewer: Reviewer {
    /// Reads a namespace's labels from the cluster: for one so new that no watch has told of it.
    package typealias LabelReader = @Sendable (_ namespace: String) async throws -> [String: String]

    /// Reads a pod from the cluster: API servers before 1.22 send a new debug container without the pod it goes into.
    package typealias PodReader = @Sendable (_ name: String, _ namespace: String) async throws -> Node

    package let name = "pod-policies"
    package let failurePolicy: FailurePolicy
    private let index: PolicyIndex
    private let protected: Set<String>
    private let readLabels: LabelReader?
    private let readPod: PodReader?
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int64

    /// - Parameter protected: namespaces whose pods are let through: the control plane's and our own.
    package init(
        _ index: PolicyIndex, failurePolicy: FailurePolicy = .fail, protected: Set<String> = ["kube-system"],
        readLabels: LabelReader? = nil, readPod: PodReader? = nil,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.index = index
        self.failurePolicy = failurePolicy
        self.protected = protected
        self.readLabels = readLabels
        self.readPod = readPod
        self.now = now
    }

    package var waitsFor: String? { index.waitsFor }

    private static let subresources: Set<String> = ["", "ephemeralcontainers", "resize"]

    package func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        guard request.operation == .create || request.operation == .update else { return false }
        let isPod = request.resource.group.isEmpty && request.resource.name == "pods"
        switch phase {
        case .mutate: return isPod && request.operation == .create && request.subresource.isEmpty
        case .validate: return isPod && Self.subresources.contains(request.subresource)
        case .advise:
            return request.subresource.isEmpty
                && Requester.controllers["\(request.kind.group)/\(request.kind.name)"] != nil
        }
    }

    /// Only a namespace that no watch has told of yet is asked for, and the pod of a debug container that comes alone.
    package func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        if DebugContainers.areAlone(request) { return true }
        let moment = index.moment(namespace: request.namespace)
        return moment.labels == nil && moment.set.usesLabels
    }

    package func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        guard concerns(request, in: phase) else { return .allow }
        let moment = index.moment(namespace: request.namespace)
        guard moment.set.control.isOn(in: request.namespace) else { return .allow }
        if phase == .advise { return try await advise(request, moment) }
        switch ControlPlane.standing(of: request, protected: protected) {
        case .judged: break
        case .passes(let reason): return Review(auditAnnotations: ["exempt": reason])
        case .refused(let reason):
            if phase == .mutate { return .allow }
            return Review(allowed: false, message: reason)
        }
        var request = request
        if DebugContainers.areAlone(request), let readPod {
            try await DebugContainers.complete(&request, readPod)
        }
        guard request.kind.group.isEmpty, request.kind.name == "Pod", let object = request.object else {
            throw PodPolicyError(
                .unreadablePod,
                "\(request.operation.rawValue) of pods/\(request.subresource) came with no Pod but \(request.kind)")
        }
        if request.operation == .update, try !Self.changesSpec(request, object) { return .allow }
        var pod = try Pod(object)
        // What a server makes of it: the object may still leave its namespace out.
        pod.namespace = request.namespace
        let requester = Requester(
            user: request.user, groups: request.groups, namespace: request.namespace,
            serviceAccount: pod.account, runtimeClass: pod.runtimeClassName)
        let labels = try await labels(moment, request.namespace)
        let verdict = PodVerdict(
            of: pod, for: requester, in: moment.set, labels: labels, mayChange: phase == .mutate,
            hint: pod.annotations[PolicyResources.acceptedBy], now: now() / 1000)
        return phase == .mutate
            ? fill(request, object, pod, verdict) : answer(request, object, pod, verdict)
    }

    // MARK: Pods

    /// In the mutating phase nothing is refused: other mutators may still repair the pod, and the validating phase
    /// judges what they leave.
    private func fill(_ request: AdmissionRequest, _ object: Node, _ pod: Pod, _ verdict: PodVerdict) -> Review {
        var filled = verdict.isAccepted ? verdict.pod : pod
        let annotation = PolicyResources.acceptedBy
        guard verdict.isAccepted, !verdict.policy.isEmpty else {
            // Nobody may say of a pod that a policy accepted it which was not even asked.
            guard pod.annotations[annotation] != nil else { return .allow }
            return Review(patch: [
                JSONPatchOperation(.remove, JSONPatchOperation.pointer("metadata", "annotations", annotation))
            ])
        }
        let changed = filled != pod
        filled.annotations[annotation] = verdict.policy
        var review = Review(patch: pod.patch(to: filled, raw: object))
        if changed {
            review.decision = decision(request, object, pod, .allow, policy: verdict.policy)
            review.decision?.changed = true
        }
        return review
    }

    private func answer(_ request: AdmissionRequest, _ object: Node, _ pod: Pod, _ verdict: PodVerdict) -> Review {
        var review = Review()
        if !verdict.policy.isEmpty { review.auditAnnotations["pod-policy"] = verdict.policy }
        if let exemption = verdict.exemption {
            review.auditAnnotations["exempt"] = "\(verdict.policy): \(exemption.owner): \(exemption.reason)"
        }
        let subject = "pod \(request.namespace)/\(Self.name(of: request, pod))"
        if !verdict.warnings.isEmpty {
            review.warnings = [RefusalText.warning(verdict.warnings, start: "\(subject) would be refused by")]
        }
        if !verdict.audits.isEmpty {
            review.auditAnnotations["audit-violations"] = RefusalText.message(verdict.audits, of: subject)
        }
        guard verdict.isAccepted else {
            review.allowed = false
            review.message = RefusalText.message(verdict.refusals, of: subject)
            review.decision = decision(
                request, object, pod, .deny, policy: verdict.refusals[0].policy, reasons: verdict.refusals)
            return review
        }
        if verdict.asked == 0 { return review }
        if !verdict.warnings.isEmpty {
            review.decision = decision(
                request, object, pod, .warn, policy: verdict.warnings[0].policy, reasons: verdict.warnings)
        } else if !verdict.audits.isEmpty {
            review.decision = decision(
                request, object, pod, .audit, policy: verdict.audits[0].policy, reasons: verdict.audits)
        } else {
            review.decision = decision(request, object, pod, .allow, policy: verdict.policy)
        }
        return review
    }

    /// Whether an update touches what a policy could judge. Labels, owners and finalizers do not, so that the garbage
    /// collector and operators can always do their work; annotations that set a profile do.
    private static func changesSpec(_ request: AdmissionRequest, _ object: Node) throws -> Bool {
        guard let old = request.oldObject else {
            throw PodPolicyError(.unreadablePod, "an UPDATE of a pod came without the old object")
        }
        guard object["spec"]?.json() == old["spec"]?.json() else { return true }
        return profiles(object) != profiles(old)
    }

    private static func profiles(_ object: Node) -> [String: String] {
        var profiles: [String: String] = [:]
        for (key, value) in object["metadata"]?["annotations"].map({ Array($0.members) }) ?? [] {
            let key = key.string
            if key.hasPrefix("container.apparmor.security.beta.kubernetes.io/")
                || key.hasPrefix("seccomp.security.alpha.kubernetes.io/")
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                profiles[key] = value.string
            }
        }
        return profiles
    }

    private func labels(_ moment: PolicyIndex.Moment, _ namespace: String) async throws -> [String: String] {
        if let labels = moment.labels { return labels }
        guard moment.set.usesLabels else { return [:] }
        guard let readLabels else {
            throw PodPolicyError(
                .unknownNamespace, "the namespace \(namespace) is not known yet, and its labels decide")
        }
        do {
            return try await readLabels(namespace)
        } catch {
            throw PodPolicyError(
                .unknownNamespace, "the labels of the namespace \(namespace) decide and cannot be read: \(error)",
                cause: error)
        }
    }

    // MARK: Templates

    private func advise(_ request: AdmissionRequest, _ moment: PolicyIndex.Moment) async throws -> Review {
        guard let object = request.object, !protected.contains(request.namespace) else { return .allow }
        // What a controller makes was told to the one who wrote its owner.
        let owners = object["metadata"]?["ownerReferences"]?.elements
        if owners?.contains(where: { $0["controller"]?.bool == true }) == true { return .allow }
        guard let source = try PodSource.find(in: object) else { return .allow }
        if let old = request.oldObject, let before = try? PodSource.find(in: old), before.pod == source.pod {
            return .allow
        }
        var pod = source.pod
        pod.namespace = request.namespace
        let requester = Requester.controller(
            of: "\(request.kind.group)/\(request.kind.name)", namespace: request.namespace, pod: pod)
        let labels = try await labels(moment, request.namespace)
        let verdict = PodVerdict(
            of: pod, for: requester, in: moment.set, labels: labels, mayChange: true, now: now() / 1000)
        let refusals = verdict.refusals.within(source.path)
        let warnings = verdict.warnings.within(source.path)
        let whose = "pods of this \(request.kind.name)"
        var review = Review()
        if !refusals.isEmpty {
            review.warnings.append(RefusalText.warning(refusals, start: "\(whose) will be refused by"))
        }
        if !warnings.isEmpty {
            review.warnings.append(RefusalText.warning(warnings, start: "\(whose) would be refused by"))
        }
        if let first = (refusals + warnings).first {
            review.decision = decision(
                request, object, pod, .warn, policy: first.policy, reasons: refusals + warnings)
        }
        return review
    }

    // MARK: Records

    private func decision(
        _ request: AdmissionRequest, _ object: Node, _ pod: Pod, _ action: AdmissionDecision.Action, policy: String,
        reasons: [PolicyChoice.Refusal] = []
    ) -> AdmissionDecision {
        AdmissionDecision(
            uid: request.uid, time: now(), reviewer: name, action: action, allowed: action != .deny,
            operation: request.operation.rawValue,
            subject: Subject(
                apiVersion: request.kind.apiVersion, kind: request.kind.name, namespace: request.namespace,
                name: Self.name(of: request, pod)),
            workload: Self.workload(of: object, pod, fallback: Self.name(of: request, pod)), user: request.user,
            serviceAccount: "\(request.namespace)/\(pod.account)",
            policy: policy, reasons: RefusalText.reasons(reasons), dryRun: request.dryRun)
    }

    private static func name(of request: AdmissionRequest, _ pod: Pod) -> String {
        if !request.name.isEmpty { return request.name }
        return pod.name.isEmpty ? pod.generateName + "*" : pod.name
    }

    /// The Deployment of a ReplicaSet's pod, the owner of another's, the stem of a generated name.
    private static func workload(of object: Node, _ pod: Pod, fallback: String) -> String {
        let owner = object["metadata"]?["ownerReferences"]?.elements.first { $0["controller"]?.bool == true }
        if let name = owner?["name"]?.string {
            let hash = object["metadata"]?["labels"]?["pod-template-hash"]?.string ?? ""
            return !hash.isEmpty && name.hasSuffix("-\(hash)") ? String(name.dropLast(hash.count + 1)) : name
        }
        guard !pod.generateName.isEmpty else { return fallback }
        return pod.generateName.hasSuffix("-") ? String(pod.generateName.dropLast()) : pod.generateName
    }
}
