// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Kubernetes

/// Questions to the API server that reviews ask.
package struct PolicyAccess: Sendable {
    private let client: APIClient

    package init(_ client: APIClient) { self.client = client }

    /// Whether a user has the verb `use` on a PodPolicy (SubjectAccessReview, authorization.k8s.io/v1).
    package func mayUse(policy: String, user: String, groups: [String]) async throws -> Bool {
        let review = EditValue.object([
            ("apiVersion", "authorization.k8s.io/v1"), ("kind", "SubjectAccessReview"),
            (
                "spec",
                .object([
                    ("user", .string(user)), ("groups", .array(groups.map(EditValue.string))),
                    (
                        "resourceAttributes",
                        .object([
                            ("group", .string(PolicyResources.group)), ("resource", "podpolicies"), ("verb", "use"),
                            ("name", .string(policy)),
                        ])
                    ),
                ])
            ),
        ])
        // It stores nothing, so asking twice is asking once.
        let answer = try await client.send(
            APIRequest(
                .post, path: "/apis/authorization.k8s.io/v1/subjectaccessreviews", body: .json(review.json),
                isIdempotent: true, attempts: 2))
        guard let allowed = answer.root["status"]?["allowed"]?.bool else {
            throw PodPolicyError(
                .accessReview, "\(client.name) did not say whether \(user) may use the PodPolicy \(policy)")
        }
        return allowed
    }

    /// A pod as it runs.
    package func pod(_ name: String, in namespace: String) async throws -> Node {
        try await client.get(.pods, namespace: namespace, name: name).node
    }

    package func namespaceLabels(_ namespace: String) async throws -> [String: String] {
        labels(of: try await client.get(.namespaces, namespace: nil, name: namespace).node)
    }
}
