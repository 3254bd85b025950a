// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import ImagePolicies
import PodPolicies
import PodSecurity

/// How one case of a test file went with one object.
struct PolicyTestOutcome {
    let file: String
    let line: Int
    let name: String
    /// `Deployment shop/cart`; empty when no object was judged.
    let object: String
    let expected: PolicyTestFile.Answer
    /// Nil when the pod could not be judged.
    let got: PolicyTestFile.Answer?
    /// Why the policies refuse, or warn.
    let reasons: [String]
    /// What is missing for the case to pass; empty when it passed.
    let problem: String
    /// Whether the question could not even be answered.
    let isError: Bool

    var isPassed: Bool { problem.isEmpty }
}

/// The policies of a test file and the cases that they are tried by.
struct PolicyTestRun {
    private let file: PolicyTestFile
    private let set: PolicySet
    private let imagePolicies: [ImagePolicy]
    private let images: ImagePolicyIndex
    private let now: Int64

    /// Without any binding in the files each policy counts for everyone.
    init(_ file: PolicyTestFile, now: Int64) throws(UserError) {
        let found = try PolicyFiles.read(file.policies, judgesImages: true)
        var policies = found.policies
        if found.bindings.isEmpty {
            for index in policies.indices { policies[index].isDefault = true }
        }
        for binding in found.bindings where !policies.contains(where: { $0.name == binding.policy }) {
            throw UserError("\(file.path): the binding \(binding.name) is to \(binding.policy), which is not there")
        }
        self.file = file
        set = PolicySet(
            policies: policies, bindings: found.bindings, control: found.control)
        (imagePolicies, images) = (found.imagePolicies, found.images)
        self.now = now
    }

    func outcomes() -> [PolicyTestOutcome] { file.cases.flatMap { outcomes(of: $0) } }

    private func outcomes(of test: PolicyTestFile.Case) -> [PolicyTestOutcome] {
        var outcomes: [PolicyTestOutcome] = []
        func error(_ message: String, _ object: String = "") {
            outcomes.append(outcome(test, object, nil, [], problem: message))
        }
        let problem = { (message: String) in error(message) }
        for path in InputFile.all(in: [test.objects], problem: problem) {
            InputFile.objects(in: path, problem: problem) { found in
                guard test.object.isEmpty || test.object == "\(found.subject.kind)/\(found.subject.name)" else {
                    return
                }
                if found.isImagePolicy || found.isImageScan {
                    return error("counts only in a file of policies", found.subject.display)
                }
                do {
                    guard
                        let (pod, path, isTemplate) = try PodSource.find(
                            in: found.object, apiVersion: found.subject.apiVersion, kind: found.subject.kind)
                    else { return }
                    let images = imagePolicies.isEmpty ? [] : try PodImages.find(in: found.object, below: path.steps)
                    outcomes.append(judge(test, found.subject, pod, images, path, isTemplate))
                } catch let problem {
                    error("\(problem)", found.subject.display)
                }
            }
        }
        if outcomes.isEmpty {
            error(test.object.isEmpty ? "\(test.objects) holds no pod" : "\(test.objects) holds no \(test.object)")
        }
        return outcomes
    }

    private func judge(
        _ test: PolicyTestFile.Case, _ subject: Subject, _ pod: Pod, _ images: [PodImage], _ path: String,
        _ isTemplate: Bool
    ) -> PolicyTestOutcome {
        let namespace = [test.namespace, pod.namespace, "default"].first { !$0.isEmpty } ?? ""
        var pod = pod
        pod.namespace = namespace
        var requester: Requester
        if isTemplate {
            requester = .controller(of: "\(subject.group)/\(subject.kind)", namespace: namespace, pod: pod)
        } else {
            let account = pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName
            requester = Requester(namespace: namespace, serviceAccount: account, runtimeClass: pod.runtimeClassName)
        }
        if !test.user.isEmpty {
            requester.user = test.user
            requester.groups = []
        }
        requester.groups += test.groups
        let verdict = PodVerdict(
            of: pod, for: requester, in: set, labels: test.namespaceLabels, mayChange: true, now: now)
        let isOn = set.control.isOn(in: namespace)
        let judgement = judge(
            images, ImageRequest(user: requester.user, namespace: namespace, labels: test.namespaceLabels))
        let isRefused = !verdict.isAccepted || !judgement.refusals.isEmpty
        if isOn, !isRefused, let failed = judgement.errors.first {
            return outcome(
                test, subject.display, nil, [], problem: "\(failed.policy): \(ImageRefusalText.line(failed))")
        }
        let isWarned = !verdict.warnings.isEmpty || !judgement.warnings.isEmpty
        let got: PolicyTestFile.Answer = !isOn ? .allow : isRefused ? .deny : isWarned ? .warn : .allow
        var reasons: [String] = []
        if got != .allow {
            reasons = (isRefused ? verdict.refusals : verdict.warnings).flatMap { Self.reasons($0, path) }
            for objection in isRefused ? judgement.refusals : judgement.warnings {
                reasons += Self.reasons(.init(policy: objection.policy, violations: [Violation(objection)]), "")
            }
        }
        var problem = ""
        if got != test.expect {
            problem = "expected \(test.expect), got \(got)"
        } else if let missing = test.contains.first(where: { text in !reasons.contains { $0.contains(text) } }) {
            problem = "no reason contains \"\(missing)\""
        }
        return outcome(test, subject.display, got, reasons, problem: problem)
    }

    /// Image policies are not asked about the control plane's namespace.
    private func judge(_ images: [PodImage], _ request: ImageRequest) -> ImageJudgement {
        if request.namespace == "kube-system" { return ImageJudgement() }
        return self.images.judge(images, by: imagePolicies, for: request, now: now)
    }

    private static func reasons(_ refusal: PolicyChoice.Refusal, _ path: String) -> [String] {
        refusal.violations.map { violation in
            let value = violation.value.isEmpty ? "" : " = \(violation.value)"
            let container = violation.container.isEmpty ? "" : " [\(violation.container)]"
            return "\(refusal.policy): \(violation.control)\(container) \(path)\(violation.path)\(value): "
                + "\(violation.message); \(violation.remedy)"
        }
    }

    private func outcome(
        _ test: PolicyTestFile.Case, _ object: String, _ got: PolicyTestFile.Answer?, _ reasons: [String],
        problem: String
    ) -> PolicyTestOutcome {
        PolicyTestOutcome(
            file: file.path, line: test.line, name: test.name, object: object, expected: test.expect, got: got,
            reasons: reasons, problem: problem, isError: got == nil)
    }
}

extension String {
    /// `spec.template.` as steps.
    var steps: [String] { split(separator: ".").map(String.init) }
}

extension Violation {
    /// What an image policy objects to; its path starts at the object's root.
    init(_ objection: ImageObjection) {
        let reason = ImageRefusalText.reason(objection)
        self.init(
            "image", container: reason.container, path: reason.path, value: reason.value, message: reason.message,
            remedy: reason.remedy)
    }
}
