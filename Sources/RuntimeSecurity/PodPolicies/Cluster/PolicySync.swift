// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Kubernetes
import Logging
import Synchronization

/// Keeps a `PolicyIndex` like its cluster: policies, bindings, the switch, and the namespaces' labels.
package final class PolicySync: Sendable {
    private let index: PolicyIndex
    private let logger: Logger
    private let pending: Mutex<Set<String>>

    /// Adds its readers to `informers`, which the caller runs.
    package init(_ index: PolicyIndex, _ informers: InformerSet, logger: Logger) throws {
        self.index = index
        self.logger = logger
        let resources = [PolicyResources.policies, PolicyResources.bindings, PolicyResources.controls, .namespaces]
        pending = Mutex(Set(resources.map(\.description)))
        tellWhatIsMissing()
        for resource in resources {
            try informers.add(resource) { [self] event in read(event, of: resource) }
        }
    }

    private func read(_ event: InformerEvent, of resource: APIResource) {
        switch event {
        case .upsert(let object, _):
            let (name, node) = (object.identity.name, object.node)
            switch resource {
            case PolicyResources.policies: index.put(policy: node, name: name)
            case PolicyResources.bindings: index.put(binding: node, name: name)
            case PolicyResources.controls: index.put(control: node, name: name)
            default: index.put(namespace: name, labels: labels(of: node))
            }
            guard let problem = index.problem(kind: resource.kind, name: name) else { return }
            logger.warning(
                "an object that cannot be read counts for nothing new",
                metadata: [
                    "kind": "\(problem.kind)", "name": "\(problem.name)", "reason": "\(problem.message)",
                    "lastGoodVersionCounts": "\(problem.keepsLast)",
                ])
        case .delete(let identity):
            switch resource {
            case PolicyResources.policies: index.remove(policy: identity.name)
            case PolicyResources.bindings: index.remove(binding: identity.name)
            case PolicyResources.controls: index.remove(control: identity.name)
            default: index.put(namespace: identity.name, labels: nil)
            }
        case .synced, .relisted:
            pending.withLock { _ = $0.remove(resource.description) }
            tellWhatIsMissing()
        }
    }

    private func tellWhatIsMissing() {
        let missing = pending.withLock { $0.sorted() }
        index.wait(for: missing.isEmpty ? nil : "\(missing.joined(separator: ", ")) have not been read yet")
    }
}
