// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Kubernetes

/// The kinds of image policies.
package enum ImagePolicyResources {
    package static let policies = APIResource(
        group: "policy.bulwark.dev", version: "v1", plural: "imagepolicies", kind: "ImagePolicy", namespaced: false)
    package static let scans = ImageScan.resource
    package static let all = [policies, scans]

    /// The CustomResourceDefinitions of `deploy/images/crds`: their names and YAML texts.
    package static let definitions: [(name: String, yaml: [UInt8])] = all.compactMap { resource in
        EmbeddedResources.files.first { $0.0 == "\(resource.plural).yaml" }
            .map { ("\(resource)", Array($0.1.utf8)) }
    }
}
