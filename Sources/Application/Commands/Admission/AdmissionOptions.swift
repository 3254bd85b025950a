// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import ArgumentParser
import Foundation
import Kubernetes
import Logging
import PodPolicies

/// Where the webhooks are, and what becomes of requests that they cannot judge.
struct AdmissionTarget: ParsableArguments {
    @Option(name: .long, help: "The namespace of Bulwark's own objects.")
    var namespace = "bulwark-system"

    @Option(name: .long, help: "How the API server reaches the webhooks outside the cluster: https://HOST:PORT.")
    var url: String?

    @Option(
        name: .long, help: "The Service of the webhooks: NAMESPACE/NAME[:PORT]. Default: NAMESPACE/bulwark-admission.")
    var service: String?

    @Option(name: .long, help: "What becomes of a pod that could not be judged: Fail refuses it, Ignore lets it pass.")
    var failurePolicy = FailurePolicyArgument.Fail

    @Flag(
        name: .long,
        help: "Judge by Gatekeeper's templates and constraints too, and change by its mutators. Not beside Gatekeeper.")
    var gatekeeper = false

    @Option(
        name: .long,
        help:
            "What becomes of a request that constraints and mutators could not judge: Ignore, as in Gatekeeper, or Fail."
    )
    var gatekeeperFailurePolicy = FailurePolicyArgument.Ignore

    @Flag(name: .long, help: "Ask constraints about deletions too: what violates one can then not be deleted.")
    var gatekeeperDeletes = false

    @Flag(
        name: .long,
        help:
            "Judge by ValidatingAdmissionPolicy objects of policy.bulwark.dev, on API servers that cannot do so themselves."
    )
    var admissionPolicies = false

    @Option(
        name: .long, help: "What becomes of a request that no admission policy could be asked about: Ignore or Fail.")
    var admissionPoliciesFailurePolicy = FailurePolicyArgument.Ignore

    @OptionGroup var images: ImagePolicyOptions

    func validate() throws {
        if url != nil, service != nil { throw ValidationError("give --url or --service, not both") }
        _ = try endpoint()
    }

    func endpoint() throws -> WebhookEndpoint {
        if let url {
            guard let parts = URL(string: url), parts.scheme == "https", let host = parts.host, !host.isEmpty,
                parts.path.isEmpty, parts.query == nil, parts.user == nil, parts.fragment == nil
            else { throw ValidationError("--url is no https://HOST:PORT: \(url)") }
            return .url(url)
        }
        guard let service else { return .service(namespace: namespace, name: "bulwark-admission", port: 443) }
        let sides = service.split(separator: "/", omittingEmptySubsequences: false)
        let tail = sides.last?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        guard sides.count == 2, !sides[0].isEmpty, let name = tail.first, !name.isEmpty, tail.count <= 2,
            let port = tail.count == 2 ? Int(tail[1]) : 443, (1...65_535).contains(port)
        else { throw ValidationError("--service is no NAMESPACE/NAME[:PORT]: \(service)") }
        return .service(namespace: String(sides[0]), name: String(name), port: port)
    }

    func installation(excludesByOffLabel: Bool) throws -> WebhookInstallation {
        WebhookInstallation(
            namespace: namespace, endpoint: try endpoint(),
            webhooks: PodPolicyWebhooks.all(failurePolicy.policy)
                + (gatekeeper
                    ? GatekeeperWebhooks.all(gatekeeperFailurePolicy.policy, deletes: gatekeeperDeletes) : [])
                + (admissionPolicies
                    ? [GatekeeperWebhooks.admissionPolicies(admissionPoliciesFailurePolicy.policy)] : [])
                + images.webhooks,
            excludesByOffLabel: excludesByOffLabel)
    }

    func installer(_ client: APIClient, logger: Logger) async throws -> WebhookInstaller {
        WebhookInstaller(
            client: client,
            installation: try installation(excludesByOffLabel: try await Self.isBefore121(client)),
            definitions: PolicyResources.crds + images.definitions,
            foreignDefinitions: (gatekeeper ? GatekeeperResources.definitions : [])
                + (admissionPolicies ? AdmissionPolicyResources.definitions : []),
            defaults: [
                .init(
                    resource: PolicyResources.policies, name: PolicyResources.defaultName,
                    json: PolicyResources.defaultPolicy)
            ], logger: logger)
    }

    /// Whether the server may be older than 1.21, which began to label namespaces with their names.
    private static func isBefore121(_ client: APIClient) async throws -> Bool {
        let version = try await client.discover(groups: ["admissionregistration.k8s.io"]).serverVersion
        let numbers = version.drop { !$0.isNumber }.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
        guard numbers.count >= 2 else { return true }
        return (numbers[0], numbers[1]) < (1, 21)
    }
}

/// As Kubernetes writes them.
enum FailurePolicyArgument: String, ExpressibleByArgument, CaseIterable {
    case Fail, Ignore

    var policy: FailurePolicy { self == .Fail ? .fail : .ignore }
}

/// The webhooks of pod policies.
enum PodPolicyWebhooks {
    static func all(_ failurePolicy: FailurePolicy) -> [Webhook] {
        [
            Webhook(
                name: "mutate.pods.policy.bulwark.dev", phase: .mutate,
                rules: [pods(["CREATE"], ["pods"])], failurePolicy: failurePolicy),
            Webhook(
                name: "pods.policy.bulwark.dev", phase: .validate,
                rules: [
                    pods(["CREATE", "UPDATE"], ["pods"]),
                    pods(["UPDATE"], ["pods/ephemeralcontainers", "pods/resize"]),
                ], failurePolicy: failurePolicy),
            Webhook(
                name: "objects.policy.bulwark.dev", phase: .validate,
                rules: [
                    .init(
                        operations: ["CREATE", "UPDATE"], groups: [PolicyResources.group],
                        versions: [PolicyResources.version], resources: PolicyResources.all.map(\.plural).sorted(),
                        scope: "Cluster")
                ], failurePolicy: failurePolicy),
            Webhook(
                name: "templates.policy.bulwark.dev", phase: .advise,
                rules: allTemplates, failurePolicy: .ignore, timeoutSeconds: 3),
        ]
    }

    static func pods(_ operations: [String], _ resources: [String]) -> Webhook.Rule {
        .init(operations: operations, groups: [""], versions: ["v1"], resources: resources, scope: "Namespaced")
    }

    /// What pods are made of.
    static var allTemplates: [Webhook.Rule] {
        [
            templates("apps", ["deployments", "replicasets", "statefulsets", "daemonsets"]),
            templates("batch", ["jobs", "cronjobs"]), templates("", ["replicationcontrollers", "podtemplates"]),
        ]
    }

    private static func templates(_ group: String, _ resources: [String]) -> Webhook.Rule {
        // CronJobs were beta until 1.21, and Equivalent does not find them there under v1.
        .init(
            operations: ["CREATE", "UPDATE"], groups: [group], versions: group == "batch" ? ["v1", "v1beta1"] : ["v1"],
            resources: resources, scope: "Namespaced")
    }
}

/// The webhooks of constraints and mutators: every kind, but not their own answers and not what was only asked.
enum GatekeeperWebhooks {
    static func all(_ failurePolicy: FailurePolicy, deletes: Bool) -> [Webhook] {
        let changes = ["CREATE", "UPDATE"]
        return [
            Webhook(
                name: "mutators.policy.bulwark.dev", phase: .mutate, reviewers: GatekeeperReviewer.path,
                rules: [every(changes, ["*"])], failurePolicy: failurePolicy, timeoutSeconds: 3),
            Webhook(
                name: "constraints.policy.bulwark.dev", phase: .validate, reviewers: GatekeeperReviewer.path,
                rules: [every(changes + (deletes ? ["DELETE"] : []), ["*", "pods/ephemeralcontainers"])],
                failurePolicy: failurePolicy, timeoutSeconds: 3),
        ]
    }

    /// Policies say themselves which operations and subresources they mean.
    static func admissionPolicies(_ failurePolicy: FailurePolicy) -> Webhook {
        Webhook(
            name: "admissionpolicies.policy.bulwark.dev", phase: .validate, reviewers: AdmissionPolicyReviewer.path,
            rules: [every(["CREATE", "UPDATE", "DELETE", "CONNECT"], ["*/*"])], failurePolicy: failurePolicy,
            timeoutSeconds: 3)
    }

    private static func every(_ operations: [String], _ resources: [String]) -> Webhook.Rule {
        .init(operations: operations, groups: ["*"], versions: ["*"], resources: resources)
    }
}
