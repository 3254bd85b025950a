// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// One webhook as an API server is told of it.
package struct Webhook: Sendable, Equatable {
    /// Which requests it is asked about.
    package struct Rule: Sendable, Equatable {
        /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`.
        package var operations: [String]
        package var groups: [String]
        package var versions: [String]
        /// `pods`, `pods/resize`.
        package var resources: [String]
        /// `Namespaced`, `Cluster` or `*`.
        package var scope: String

        package init(
            operations: [String], groups: [String], versions: [String], resources: [String], scope: String = "*"
        ) {
            self.operations = operations
            self.groups = groups
            self.versions = versions
            self.resources = resources
            self.scope = scope
        }
    }

    /// Three words with dots between at least: `pods.policy.bulwark.dev`.
    package var name: String
    package var phase: ReviewPhase
    /// Which reviewers it asks; see `Reviewer.webhook`.
    package var reviewers: String
    package var rules: [Rule]
    package var failurePolicy: FailurePolicy
    /// 1 to 30.
    package var timeoutSeconds: Int
    /// Whether the reviewers keep anything of a request that is no dry run.
    package var hasSideEffects: Bool
    /// Objects that it is asked about, as a LabelSelector; all when it is empty.
    package var objectSelector: ManifestValue

    package init(
        name: String, phase: ReviewPhase, reviewers: String = "", rules: [Rule], failurePolicy: FailurePolicy,
        timeoutSeconds: Int = 10,
        hasSideEffects: Bool = true, objectSelector: ManifestValue = [:]
    ) {
        self.name = name
        self.phase = phase
        self.reviewers = reviewers
        self.rules = rules
        // What only warns never stands in the way.
        self.failurePolicy = phase == .advise ? .ignore : failurePolicy
        self.timeoutSeconds = min(max(timeoutSeconds, 1), 30)
        self.hasSideEffects = hasSideEffects
        self.objectSelector = objectSelector
    }

    /// `/validate`, `/validate/gatekeeper`
    static func path(_ phase: ReviewPhase, _ reviewers: String) -> String {
        "/\(phase.rawValue)" + (reviewers.isEmpty ? "" : "/\(reviewers)")
    }
}

/// Where API servers find us.
package enum WebhookEndpoint: Sendable, Equatable {
    case service(namespace: String, name: String, port: Int)
    /// `https://host:port` without a path.
    case url(String)

    /// The names that the server's certificate needs.
    package var certificateNames: [String] {
        switch self {
        case .service(let namespace, let name, _): return ["\(name).\(namespace).svc", "\(name).\(namespace)"]
        case .url(let text):
            guard let host = URL(string: text)?.host else { return [] }
            return [host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host]
        }
    }

    func clientConfig(_ path: String, bundle: String) -> ManifestValue {
        let bundle = ManifestValue.string(Data(bundle.utf8).base64EncodedString())
        switch self {
        case .service(let namespace, let name, let port):
            return [
                "caBundle": bundle,
                "service": [
                    "namespace": .string(namespace), "name": .string(name), "path": .string(path), "port": .int(port),
                ],
            ]
        case .url(let url): return ["caBundle": bundle, "url": .string(url + path)]
        }
    }
}

/// What is to stand in a cluster so that it asks us: a mutating and a validating webhook configuration.
///
/// `kube-system` and our own namespace are never asked about. Servers from 1.21 on label each namespace with its name,
/// and nobody can change that. Older ones do not: there the label `policy.bulwark.dev/webhooks: off` leaves a namespace
/// out, and whoever may label a namespace can set it, which is why newer servers are not told of it.
package struct WebhookInstallation: Sendable, Equatable {
    package static let offLabel = "policy.bulwark.dev/webhooks"

    /// The name of both configurations.
    package var name = "bulwark-admission"
    /// Ours.
    package var namespace: String
    package var endpoint: WebhookEndpoint
    package var webhooks: [Webhook]
    /// For servers before 1.21, or when the version is not known.
    package var excludesByOffLabel: Bool

    package init(
        namespace: String, endpoint: WebhookEndpoint, webhooks: [Webhook], excludesByOffLabel: Bool
    ) {
        self.namespace = namespace
        self.endpoint = endpoint
        self.webhooks = webhooks
        self.excludesByOffLabel = excludesByOffLabel
    }

    package var excludedNamespaces: [String] { ["kube-system", namespace] }

    /// Those of a configuration that has any webhooks.
    package func configurations(bundle: String) -> [ManifestValue] {
        [configuration(isMutating: true, bundle: bundle), configuration(isMutating: false, bundle: bundle)]
            .compactMap { $0 }
    }

    /// - Parameter bundle: PEM of the authorities to trust; left out when empty.
    package func configuration(isMutating: Bool, bundle: String) -> ManifestValue? {
        let webhooks = webhooks.filter { ($0.phase == .mutate) == isMutating }
        guard !webhooks.isEmpty else { return nil }
        return [
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": isMutating ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration",
            "metadata": ["name": .string(name), "labels": Self.labels],
            "webhooks": .array(webhooks.map { value($0, bundle: bundle) }),
        ]
    }

    static let labels: ManifestValue = ["app.kubernetes.io/managed-by": "bulwark"]

    /// Every field that a server would fill in is there, so that what it has can be compared with what we want.
    private func value(_ webhook: Webhook, bundle: String) -> ManifestValue {
        var expressions: [ManifestValue] = [
            [
                "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": .strings(excludedNamespaces),
            ]
        ]
        if excludesByOffLabel {
            expressions.append(["key": .string(Self.offLabel), "operator": "NotIn", "values": ["off"]])
        }
        var config = endpoint.clientConfig(Webhook.path(webhook.phase, webhook.reviewers), bundle: bundle)
        if bundle.isEmpty { config["caBundle"] = nil }
        var value: ManifestValue = [
            "name": .string(webhook.name), "clientConfig": config,
            "rules": .array(
                webhook.rules.map { rule in
                    [
                        "operations": .strings(rule.operations), "apiGroups": .strings(rule.groups),
                        "apiVersions": .strings(rule.versions), "resources": .strings(rule.resources),
                        "scope": .string(rule.scope),
                    ]
                }),
            "failurePolicy": .string(webhook.failurePolicy.rawValue), "matchPolicy": "Equivalent",
            "namespaceSelector": ["matchExpressions": .array(expressions)],
            "objectSelector": webhook.objectSelector,
            "sideEffects": webhook.hasSideEffects ? "NoneOnDryRun" : "None",
            "timeoutSeconds": .int(webhook.timeoutSeconds), "admissionReviewVersions": ["v1"],
        ]
        if webhook.phase == .mutate { value["reinvocationPolicy"] = "IfNeeded" }
        return value
    }
}
