// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import ImagePolicies
import Kubernetes
import Logging
import PodPolicies
import ServiceLifecycle

/// Whether and how images are judged.
struct ImagePolicyOptions: ParsableArguments {
    @Flag(
        name: .customLong("image-policies"),
        help: "Judge the images of pods by ImagePolicy objects and what their scans said.")
    var isOn = false

    @Option(
        name: .customLong("image-policies-failure-policy"),
        help: "What becomes of a pod whose images could not be judged: Fail or Ignore.")
    var failurePolicy = FailurePolicyArgument.Fail

    @Option(
        name: .customLong("image-policies-timeout"),
        help: "Seconds that the API server waits for a judgement of images: bounds how long a pod is held for a scan.")
    var timeout = 15

    func validate() throws {
        guard (2...30).contains(timeout) else {
            throw ValidationError("--image-policies-timeout should be from 2 to 30 seconds")
        }
        guard isOn || failurePolicy == .Fail && timeout == 15 else {
            throw ValidationError("the --image-policies-… options go with --image-policies")
        }
    }

    /// The same as words of a command line.
    var words: [String] {
        guard isOn else { return [] }
        return [
            "--image-policies", "--image-policies-failure-policy", failurePolicy.rawValue,
            "--image-policies-timeout", "\(timeout)",
        ]
    }

    /// How long a review may take.
    var deadline: Duration { .seconds(timeout) - .milliseconds(300) }

    /// How long a pod can be held, in whole seconds.
    var longestHold: Int { max(timeout - 1, 1) }

    var definitions: [[UInt8]] { isOn ? ImagePolicyResources.definitions.map(\.yaml) : [] }

    var webhooks: [Webhook] {
        guard isOn else { return [] }
        let (path, policy) = (ImagePolicyReviewer.path, failurePolicy.policy)
        let resource = ImagePolicyResources.policies
        return [
            Webhook(
                name: "images.policy.bulwark.dev", phase: .validate, reviewers: path,
                rules: [
                    PodPolicyWebhooks.pods(["CREATE", "UPDATE"], ["pods"]),
                    PodPolicyWebhooks.pods(["UPDATE"], ["pods/ephemeralcontainers"]),
                ], failurePolicy: policy, timeoutSeconds: timeout),
            Webhook(
                name: "imagepolicies.policy.bulwark.dev", phase: .validate, reviewers: path,
                rules: [
                    .init(
                        operations: ["CREATE", "UPDATE"], groups: [resource.group], versions: [resource.version],
                        resources: [resource.plural], scope: "Cluster")
                ], failurePolicy: policy, timeoutSeconds: 5),
            Webhook(
                name: "imagetemplates.policy.bulwark.dev", phase: .advise, reviewers: path,
                rules: PodPolicyWebhooks.allTemplates, failurePolicy: .ignore, timeoutSeconds: 3),
        ]
    }
}

/// What a process that judges images runs: the watch of policies and scans, the reviewer, the asking for scans, and the
/// writing of statuses.
struct ImagePolicyParts: Sendable {
    let options: ImagePolicyOptions
    let index: ImagePolicyIndex
    /// What its policies refused lately.
    let refusals: PolicyRefusals
    private let requests: ScanRequests
    private let writer: ImagePolicyStatusWriter

    /// Adds its readers to `informers`, which the caller runs.
    init(
        _ options: ImagePolicyOptions, _ client: APIClient, _ informers: InformerSet, logger: Logger
    ) throws {
        let index = ImagePolicyIndex()
        _ = try ImagePolicySync(index, informers, logger: logger)
        let refusals = PolicyRefusals(of: "image-policies")
        (self.options, self.index, self.refusals) = (options, index, refusals)
        requests = ScanRequests(client, index, logger: logger)
        writer = ImagePolicyStatusWriter(
            client, index, longestHold: options.longestHold, logger: logger,
            refusals: { policy, now in
                let counts = refusals.counts(of: policy, now: now)
                return ImageRefusals(
                    lastHour: counts.lastHour,
                    recent: counts.recent.map {
                        .init(time: $0.time, object: $0.object, user: $0.user, message: $0.message)
                    })
            })
    }

    func reviewer(
        protected: Set<String>, isOn: @escaping @Sendable (_ namespace: String) -> Bool,
        readLabels: @escaping @Sendable (_ namespace: String) async throws -> [String: String]
    ) -> ImagePolicyReviewer {
        var choices = ImagePolicyReviewer.Options()
        choices.failurePolicy = options.failurePolicy.policy
        choices.protected = protected
        choices.isOn = isOn
        choices.readLabels = readLabels
        choices.deadline = options.deadline
        return ImagePolicyReviewer(index, requests, options: choices)
    }

    /// - Parameter mayWrite: whether this process writes statuses at the moment.
    func services(mayWrite: @escaping @Sendable () -> Bool) -> [any Service] {
        [
            Stopping { try await requests.run() },
            Stopping {
                while true {
                    if mayWrite() {
                        refusals.forget(allBut: Set(index.policies.map(\.name)))
                        try await writer.round()
                    } else {
                        await writer.forget()
                    }
                    try await Task.sleep(for: .seconds(5))
                }
            },
        ]
    }
}
