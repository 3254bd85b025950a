// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Kubernetes

/// Lists what runs in a cluster, and the templates that more will be made of, for previews and suggestions.
package struct RunningWorkloads: Sendable {
    package let client: APIClient

    package init(_ client: APIClient) { self.client = client }

    /// Tells every pod and every object with a template, a page in memory at a time.
    /// - Parameter namespace: nil for all.
    package func each(namespace: String?, _ body: (APIObject) -> Void) async throws {
        let served = try await client.discover(groups: ["", "apps", "batch"])
        for (kind, group) in [
            ("Deployment", "apps"), ("StatefulSet", "apps"), ("DaemonSet", "apps"), ("ReplicaSet", "apps"),
            ("Job", "batch"), ("CronJob", "batch"), ("ReplicationController", ""), ("Pod", ""),
        ] {
            guard let resource = served.resource(kind: kind, groups: [group]) else { continue }
            for try await page in try client.list(resource, Selection(namespace: namespace)) {
                for object in page.objects { body(object) }
            }
        }
    }

    /// What counts now: policies, bindings, the switch, and the namespaces' labels. A cluster without our resources has
    /// none. Objects that cannot be read are told as problems.
    package func index() async throws -> PolicyIndex {
        let index = PolicyIndex()
        for resource in PolicyResources.all + [.namespaces] {
            do {
                for try await page in try client.list(resource) {
                    for object in page.objects {
                        let (name, node) = (object.identity.name, object.node)
                        switch resource {
                        case PolicyResources.policies: index.put(policy: node, name: name)
                        case PolicyResources.bindings: index.put(binding: node, name: name)
                        case PolicyResources.controls: index.put(control: node, name: name)
                        default: index.put(namespace: name, labels: labels(of: node))
                        }
                    }
                }
            } catch let error as KubernetesError where error.code == .notFound && resource != .namespaces {
                continue
            }
        }
        index.wait(for: nil)
        return index
    }
}
