// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A container of a workload that runs an image: what ties findings of images to who runs them.
package struct ImageUse: Sendable, Hashable {
    /// The outermost controller (a Deployment, not its ReplicaSet), or the pod itself.
    package var workload: Subject
    package var container: String
    /// As the pod writes it, made whole: `registry.example.com/shop/cart:1.2`.
    package var reference: String
    /// Of the manifest, from the pod's status; empty before the image was pulled.
    package var digest: String
    package var pods: Int

    package init(workload: Subject, container: String, reference: String, digest: String, pods: Int) {
        (self.workload, self.container, self.reference) = (workload, container, reference)
        (self.digest, self.pods) = (digest, pods)
    }
}
