// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Kubernetes
import Logging
import Synchronization

/// Keeps an `ImagePolicyIndex` like its cluster: policies, scans, and the namespaces' labels.
package final class ImagePolicySync: Sendable {
    private let index: ImagePolicyIndex
    private let logger: Logger
    private let pending: Mutex<Set<String>>

    /// Adds its readers to `informers`, which the caller runs.
    package init(_ index: ImagePolicyIndex, _ informers: InformerSet, logger: Logger) throws {
        self.index = index
        self.logger = logger
        let resources = ImagePolicyResources.all + [.namespaces]
        pending = Mutex(Set(resources.map(\.description)))
        tellWhatIsMissing()
        for resource in resources { try informers.add(resource) { [self] event in read(event, of: resource) } }
    }

    private func read(_ event: InformerEvent, of resource: APIResource) {
        switch event {
        case .upsert(let object, _):
            let name = object.identity.name
            let problem: String?
            switch resource {
            case ImagePolicyResources.policies: problem = index.put(policy: object.node, name: name)?.message
            case ImageScan.resource: problem = index.put(scan: object.node, name: name)
            default:
                index.put(namespace: name, labels: labels(of: object.node))
                problem = nil
            }
            guard let problem else { return }
            logger.warning(
                "an object that cannot be read: what it is about cannot be judged",
                metadata: ["kind": "\(resource.kind)", "name": "\(name)", "reason": "\(problem)"])
        case .delete(let identity):
            switch resource {
            case ImagePolicyResources.policies: index.remove(policy: identity.name)
            case ImageScan.resource: index.remove(scan: identity.name)
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

/// The string labels of an object's metadata.
package func labels(of object: Node) -> [String: String] {
    var labels: [String: String] = [:]
    if let members = object["metadata"]?["labels"]?.members {
        for (key, value) in members { labels[key.string] = value.string }
    }
    return labels
}
