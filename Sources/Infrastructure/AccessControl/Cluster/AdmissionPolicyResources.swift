// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Kubernetes
import Logging

/// ValidatingAdmissionPolicy and its binding in Bulwark's own group, for API servers that do not know Kubernetes' own.
package enum AdmissionPolicyResources {
    static let policies = APIResource(
        group: AdmissionPolicy.ownGroup, version: "v1", plural: "validatingadmissionpolicies",
        kind: AdmissionPolicy.kind,
        namespaced: false)
    static let bindings = APIResource(
        group: AdmissionPolicy.ownGroup, version: "v1", plural: "validatingadmissionpolicybindings",
        kind: AdmissionPolicyBinding.kind, namespaced: false)

    /// The CustomResourceDefinitions. Fields are judged by the webhook, which names what is wrong.
    package static var definitions: [WebhookInstaller.Default] {
        [
            (policies, "A policy in CEL, as Kubernetes' own of this name.", "Failure", ".spec.failurePolicy"),
            (bindings, "Puts a policy in force.", "Policy", ".spec.policyName"),
        ].map { resource, text, column, path in
            let any: ManifestValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
            let version: ManifestValue = [
                "name": "v1", "served": true, "storage": true, "subresources": ["status": [:]],
                "additionalPrinterColumns": [
                    ["name": .string(column), "type": "string", "jsonPath": .string(path)],
                    ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
                ],
                "schema": [
                    "openAPIV3Schema": [
                        "type": "object", "description": .string(text), "required": ["spec"],
                        "properties": [
                            "apiVersion": ["type": "string"], "kind": ["type": "string"],
                            "metadata": ["type": "object"], "spec": any, "status": any,
                        ],
                    ]
                ],
            ]
            let manifest: ManifestValue = [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": [
                    "name": .string("\(resource)"), "labels": ["app.kubernetes.io/managed-by": "bulwark"],
                ],
                "spec": [
                    "group": .string(resource.group), "scope": "Cluster",
                    "names": [
                        "kind": .string(resource.kind), "listKind": .string(resource.kind + "List"),
                        "plural": .string(resource.plural), "singular": .string(resource.kind.lowercased()),
                        "categories": ["bulwark"],
                    ],
                    "versions": [version],
                ],
            ]
            return .init(resource: .customResourceDefinitions, name: "\(resource)", json: manifest.json)
        }
    }
}

/// Writes into policies and bindings whether they could be read. One process of a cluster runs it.
package actor AdmissionPolicyStatusWriter {
    private let client: APIClient
    private let index: AdmissionPolicyIndex
    private let logger: Logger
    /// By `KIND/NAME`.
    private var written: [String: String] = [:]

    package init(_ client: APIClient, _ index: AdmissionPolicyIndex, logger: Logger) {
        self.client = client
        self.index = index
        self.logger = logger
    }

    /// - Throws: `CancellationError`.
    package func round() async throws {
        guard index.waitsFor == nil else { return }
        let (objects, problems) = (index.objects, index.problems)
        let known = Set(objects.map(\.id))
        written = written.filter { known.contains($0.key) }
        for object in objects {
            try Task.checkCancellation()
            let warnings = problems[object.id].map { error -> ManifestValue in
                [["fieldRef": "spec", "warning": .string(String(error.message.prefix(2_000)))]]
            }
            let status: ManifestValue = [
                "status": [
                    "observedGeneration": .int(object.generation),
                    "typeChecking": ["expressionWarnings": warnings ?? []],
                ]
            ]
            guard written[object.id] != status.json else { continue }
            let resource =
                object.kind == AdmissionPolicy.kind
                ? AdmissionPolicyResources.policies : AdmissionPolicyResources.bindings
            do {
                _ = try await client.patch(
                    resource, namespace: nil, name: object.name, status.json, subresource: "status")
                written[object.id] = status.json
            } catch let error as KubernetesError where error.code == .notFound {
                continue  // It is gone, and the watch will tell.
            } catch let error as KubernetesError {
                logger.warning(
                    "A status was not written", metadata: ["object": "\(object.id)", "reason": "\(error.message)"])
            }
        }
    }
}
