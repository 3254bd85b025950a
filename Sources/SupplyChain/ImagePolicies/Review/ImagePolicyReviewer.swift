// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Foundation
import Kubernetes

/// Takes part in admission: judges the images of pods by image policies and scans, warns of templates, and refuses policies
/// that could not be read.
///
/// All in memory. A scan that is missing is asked for; only where a policy says so is the pod held for it.
package final class ImagePolicyReviewer: Reviewer {
    package struct Options: Sendable {
        package var failurePolicy = FailurePolicy.fail
        /// Namespaces whose pods are let through: the control plane's and our own.
        package var protected: Set<String> = ["kube-system"]
        /// Whether policies are switched on in a namespace.
        package var isOn: @Sendable (_ namespace: String) -> Bool = { _ in true }
        /// Reads a namespace's labels from the cluster: for one so new that no watch has told of it.
        package var readLabels: (@Sendable (_ namespace: String) async throws -> [String: String])?
        /// Before the deadline of a request its answer must be out.
        package var margin = Duration.milliseconds(300)
        /// How long a request may be held that says no deadline.
        package var deadline = Duration.seconds(8)
        /// Milliseconds since 1970.
        package var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }

        package init() {}
    }

    package static let path = "images"

    package let name = "image-policies"
    package var webhook: String { Self.path }
    package var failurePolicy: FailurePolicy { options.failurePolicy }
    private let index: ImagePolicyIndex
    private let requests: ScanRequests
    private let options: Options

    package init(_ index: ImagePolicyIndex, _ requests: ScanRequests, options: Options = Options()) {
        (self.index, self.requests, self.options) = (index, requests, options)
    }

    package var waitsFor: String? { index.waitsFor }

    private static func isPolicy(_ request: AdmissionRequest) -> Bool {
        let resource = ImagePolicyResources.policies
        return request.resource.group == resource.group && request.resource.name == resource.plural
    }

    package func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        guard request.operation == .create || request.operation == .update else { return false }
        switch phase {
        case .mutate: return false
        case .advise: return request.subresource.isEmpty && PodImages.isTemplate(request.kind)
        case .validate:
            if Self.isPolicy(request) { return request.subresource.isEmpty }
            return request.resource.group.isEmpty && request.resource.name == "pods"
                && ["", "ephemeralcontainers"].contains(request.subresource)
        }
    }

    package func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        if Self.isPolicy(request) { return false }
        let moment = index.moment(namespace: request.namespace)
        return phase == .validate && moment.policies.contains { $0.mode == .enforce && $0.whenMissing == .wait }
            || moment.labels == nil && moment.usesLabels
    }

    package func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        guard concerns(request, in: phase) else { return .allow }
        if Self.isPolicy(request) { return try reviewPolicy(request) }
        guard !options.protected.contains(request.namespace), options.isOn(request.namespace) else { return .allow }
        let moment = index.moment(namespace: request.namespace)
        if moment.policies.isEmpty { return .allow }
        if phase == .validate, let reason = Self.mirror(request) {
            return Review(auditAnnotations: ["image-exempt": reason])
        }
        let images = try Self.newImages(request)
        if images.isEmpty { return .allow }
        let labels = try await labels(moment, request.namespace)
        let asker = ImageRequest(
            // A template's pods are asked for by its controller, whoever wrote the template.
            user: phase == .advise ? "" : request.user, namespace: request.namespace, labels: labels)
        let deadline = phase == .advise ? nil : request.deadline ?? ContinuousClock.now + options.deadline
        let judging = ImageJudging(index, requests, moment.policies, asker, isDryRun: request.dryRun)
        let judgement = try await judging.judge(
            images, holdUntil: deadline.map { $0 - options.margin }, now: options.now)
        if phase == .advise { return advise(request, judgement) }
        let review = answer(request, judgement)
        if let hold = judgement.hold {
            index.held(hold.hasGivenUp ? .gaveUp : review.allowed ? .admitted : .refused, for: hold.time)
        }
        return review
    }

    // MARK: What is judged

    /// The images of a request. On an update only those that are new in it: what runs already must not stand in the way of
    /// its own repair, and labels and finalizers may always change.
    static func newImages(_ request: AdmissionRequest) throws(ImagePolicyError) -> [PodImage] {
        guard let object = request.object else {
            throw ImagePolicyError(
                .request, "\(request.operation.rawValue) of \(request.resource) came without an object")
        }
        let images = try PodImages.find(in: object, kind: request.kind)
        guard request.operation == .update else { return images }
        guard let old = request.oldObject else {
            throw ImagePolicyError(.request, "an UPDATE of \(request.resource) came without the old object")
        }
        let before = Set(try PodImages.find(in: old, kind: request.kind).map(\.image))
        return images.filter { !before.contains($0.image) }
    }

    /// A static pod that a node shows the API server: it runs already, and refusing its mirror would only hide it.
    private static func mirror(_ request: AdmissionRequest) -> String? {
        guard request.operation == .create, request.subresource.isEmpty, request.groups.contains("system:nodes"),
            let object = request.object,
            object["metadata"]?["annotations"]?["kubernetes.io/config.mirror"]?.string?.isEmpty == false,
            let node = object["spec"]?["nodeName"]?.string, !node.isEmpty, request.user == "system:node:\(node)"
        else { return nil }
        return "a mirror pod of its own node"
    }

    private func labels(_ moment: ImagePolicyIndex.Moment, _ namespace: String) async throws -> [String: String] {
        if let labels = moment.labels { return labels }
        guard moment.usesLabels else { return [:] }
        guard let readLabels = options.readLabels else {
            throw ImagePolicyError(
                .request, "the namespace \(namespace) is not known yet, and its labels decide")
        }
        return try await readLabels(namespace)
    }

    // MARK: Answers

    private func answer(_ request: AdmissionRequest, _ judgement: ImageJudgement) -> Review {
        let subject = "pod \(request.namespace)/\(Self.name(of: request))"
        var review = Review()
        if !judgement.exemptions.isEmpty {
            review.auditAnnotations["image-exempt"] = judgement.exemptions.prefix(10).joined(separator: "; ")
        }
        if !judgement.warnings.isEmpty {
            review.warnings = [
                ImageRefusalText.warning(judgement.warnings, of: subject, verb: "would not be accepted by")
            ]
        }
        if !judgement.audits.isEmpty {
            review.auditAnnotations["image-audit-violations"] = ImageRefusalText.message(judgement.audits, of: subject)
        }
        let fails = options.failurePolicy == .fail
        var denied = judgement.refusals
        if !judgement.errors.isEmpty {
            if fails {
                denied += judgement.errors
            } else {
                review.warnings.append(
                    ImageRefusalText.warning(judgement.errors, of: subject, verb: "was let through unjudged by"))
                review.auditAnnotations["image-unjudged"] = ImageRefusalText.message(judgement.errors, of: subject)
            }
        }
        if !denied.isEmpty {
            review.allowed = false
            review.message = ImageRefusalText.message(denied, of: subject)
            if judgement.refusals.isEmpty {
                review.code = 500
                review.message += "\n  (the failure policy of image policies is Fail)"
            }
            review.decision = decision(request, judgement.refusals.isEmpty ? .error : .deny, denied, isAllowed: false)
        } else if !judgement.errors.isEmpty {
            review.decision = decision(request, .error, judgement.errors)
        } else if !judgement.warnings.isEmpty {
            review.decision = decision(request, .warn, judgement.warnings)
        } else if !judgement.audits.isEmpty {
            review.decision = decision(request, .audit, judgement.audits)
        } else if judgement.asked > 0 {
            review.decision = decision(request, .allow, [])
        }
        return review
    }

    private func advise(_ request: AdmissionRequest, _ judgement: ImageJudgement) -> Review {
        var review = Review()
        let whose = "a pod of this \(request.kind.name)"
        let refused = judgement.refusals + (options.failurePolicy == .fail ? judgement.errors : [])
        let warned = judgement.warnings + (options.failurePolicy == .fail ? [] : judgement.errors)
        if !refused.isEmpty {
            review.warnings.append(ImageRefusalText.warning(refused, of: whose, verb: "is not accepted now by"))
        }
        if !warned.isEmpty {
            review.warnings.append(ImageRefusalText.warning(warned, of: whose, verb: "would not be accepted by"))
        }
        if !review.warnings.isEmpty { review.decision = decision(request, .warn, refused + warned) }
        return review
    }

    private func decision(
        _ request: AdmissionRequest, _ action: AdmissionDecision.Action, _ objections: [ImageObjection],
        isAllowed: Bool = true
    ) -> AdmissionDecision {
        let object = request.object
        let account =
            object?["spec"]?["serviceAccountName"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        return AdmissionDecision(
            uid: request.uid, time: options.now(), reviewer: name, action: action, allowed: isAllowed,
            operation: request.operation.rawValue,
            subject: Subject(
                apiVersion: request.kind.apiVersion, kind: request.kind.name, namespace: request.namespace,
                name: Self.name(of: request)),
            workload: Self.workload(of: request), user: request.user,
            serviceAccount: request.kind.name == "Pod" ? "\(request.namespace)/\(account)" : "",
            policy: objections.first?.policy ?? "", reasons: ImageRefusalText.reasons(objections),
            dryRun: request.dryRun)
    }

    private static func name(of request: AdmissionRequest) -> String {
        if !request.name.isEmpty { return request.name }
        let metadata = request.object?["metadata"]
        if let name = metadata?["name"]?.string, !name.isEmpty { return name }
        return (metadata?["generateName"]?.string ?? "") + "*"
    }

    /// The Deployment of a ReplicaSet's pod, the owner of another's, the stem of a generated name.
    private static func workload(of request: AdmissionRequest) -> String {
        let metadata = request.object?["metadata"]
        if let owner = metadata?["ownerReferences"]?.elements.first(where: { $0["controller"]?.bool == true }),
            let name = owner["name"]?.string
        {
            let hash = metadata?["labels"]?["pod-template-hash"]?.string ?? ""
            return !hash.isEmpty && name.hasSuffix("-\(hash)") ? String(name.dropLast(hash.count + 1)) : name
        }
        guard let stem = metadata?["generateName"]?.string, !stem.isEmpty else { return name(of: request) }
        return stem.hasSuffix("-") ? String(stem.dropLast()) : stem
    }

    // MARK: Policies

    /// Judges policies before they are stored: what could not be read later is refused with its field.
    private func reviewPolicy(_ request: AdmissionRequest) throws(ImagePolicyError) -> Review {
        guard let object = request.object else {
            throw ImagePolicyError(
                .request, "\(request.operation.rawValue) of \(request.resource) came without an object")
        }
        // Finalizers and labels may always change, even those of an object that slipped in unread.
        if request.operation == .update, let old = request.oldObject, old["spec"]?.json() == object["spec"]?.json() {
            return .allow
        }
        let policy: ImagePolicy
        do throws(ImagePolicyError) { policy = try ImagePolicy(object) } catch {
            return Review(
                allowed: false, message: "\(request.kind.name) \(request.name) is not valid: \(error)", code: 422)
        }
        return Review(
            warnings: policy.remarks(longestHold: Int((options.deadline - options.margin).components.seconds)))
    }
}
