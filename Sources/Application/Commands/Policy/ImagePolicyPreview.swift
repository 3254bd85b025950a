// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import ImagePolicies
import Kubernetes
import PodPolicies

/// Says what an image policy would refuse today of what runs already, by the cluster's ImageScan objects.
struct ImagePolicyPreview {
    let policy: ImagePolicy
    /// The cluster's scans, policies and namespaces.
    private let index: ImagePolicyIndex
    private let now: Int64
    private(set) var entries = PreviewEntries()

    /// - Parameter now: seconds since 1970.
    init(_ policy: ImagePolicy, in index: ImagePolicyIndex, now: Int64) {
        // Switched off it does nothing, and the question is what it would do.
        var policy = policy
        policy.isEnabled = true
        (self.policy, self.index, self.now) = (policy, index, now)
    }

    /// What the cluster knows of images. A cluster without our kinds knows nothing, which `note` is told, as is what
    /// cannot be read.
    static func index(_ client: APIClient, note: (String) -> Void) async throws -> ImagePolicyIndex {
        let index = ImagePolicyIndex()
        for resource in ImagePolicyResources.all + [.namespaces] {
            do {
                for try await page in try client.list(resource) {
                    for object in page.objects {
                        let (name, node) = (object.identity.name, object.node)
                        let problem: String? =
                            switch resource {
                            case ImagePolicyResources.policies: index.put(policy: node, name: name)?.message
                            case ImagePolicyResources.scans: index.put(scan: node, name: name)
                            default: nil
                            }
                        if resource == .namespaces { index.put(namespace: name, labels: labels(of: node)) }
                        if let problem { note("\(resource.kind) \(name) cannot be read: \(problem)") }
                    }
                }
            } catch let error as KubernetesError where error.code == .notFound && resource != .namespaces {
                if resource == ImagePolicyResources.scans {
                    note("the cluster has no ImageScan objects: no image is known to be scanned")
                }
            }
        }
        return index
    }

    /// Takes what the cluster holds, an object at a time. What runs no pods, has run to its end, or belongs to the
    /// control plane is passed over.
    mutating func add(_ object: Node, apiVersion: String, kind: String) {
        let candidate = PreviewCandidate(object, apiVersion: apiVersion, kind: kind)
        guard candidate.subject.namespace != "kube-system" else { return }
        do {
            guard let found = try candidate.pod() else { return }
            judge(try PodImages.find(in: object, below: found.path.steps), found, of: candidate)
        } catch {
            entries.keep(
                .init(candidate.subject, .error, policy: policy.name, message: "\(error)"),
                key: candidate.subject.display)
        }
    }

    private mutating func judge(
        _ images: [PodImage], _ found: PreviewCandidate.Found, of candidate: PreviewCandidate
    ) {
        let namespace = candidate.subject.namespace
        let moment = index.moment(namespace: namespace)
        let request = ImageRequest(user: found.requester.user, namespace: namespace, labels: moment.labels ?? [:])
        entries.judged += 1
        let judgement = index.judge(images, by: [policy], for: request, now: now)
        guard judgement.asked > 0 || !judgement.exemptions.isEmpty else {
            entries.untouched += 1
            return
        }
        let (outcome, objections) = Self.outcome(judgement)
        let was = Self.outcome(index.judge(images, by: moment.policies, for: request, now: now)).0
        let entry = PolicyPreview.Entry(
            candidate.subject, outcome, serviceAccount: found.serviceAccount, policy: policy.name,
            refusals: objections.isEmpty || outcome == .error
                ? [] : [.init(policy: policy.name, violations: objections.map { Violation($0) })],
            message: outcome == .error ? objections.first.map(ImageRefusalText.line) ?? "" : "",
            isNew: was != outcome)
        let reasons = objections.map { "\($0.image.path) \($0.image.image) \($0.message)" }
        entries.keep(entry, key: "\(candidate.whose) \(outcome) \(reasons.joined(separator: ";"))")
    }

    private static func outcome(_ judgement: ImageJudgement) -> (PolicyPreview.Outcome, [ImageObjection]) {
        if !judgement.refusals.isEmpty { return (.refused, judgement.refusals + judgement.errors) }
        if !judgement.errors.isEmpty { return (.error, judgement.errors) }
        if !judgement.warnings.isEmpty { return (.warned, judgement.warnings) }
        return judgement.audits.isEmpty ? (.unchanged, []) : (.audited, judgement.audits)
    }
}
