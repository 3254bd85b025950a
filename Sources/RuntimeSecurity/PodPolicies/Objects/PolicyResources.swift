// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Kubernetes

/// The kinds of `policy.bulwark.dev/v1`.
package enum PolicyResources {
    package static let group = "policy.bulwark.dev"
    package static let version = "v1"
    package static var apiVersion: String { "\(group)/\(version)" }

    package static let policies = APIResource(
        group: group, version: version, plural: "podpolicies", kind: "PodPolicy", namespaced: false)
    package static let bindings = APIResource(
        group: group, version: version, plural: "podpolicybindings", kind: "PodPolicyBinding", namespaced: false)
    package static let controls = APIResource(
        group: group, version: version, plural: "admissioncontrols", kind: "AdmissionControl", namespaced: false)
    package static let all = [controls, policies, bindings]

    /// The CustomResourceDefinitions of `deploy/crds`: their names and YAML texts.
    package static let definitions: [(name: String, yaml: [UInt8])] = EmbeddedResources.files.map { path, text in
        (String(path.dropLast(".yaml".count)) + ".\(group)", Array(text.utf8))
    }

    /// The YAML texts alone.
    package static var crds: [[UInt8]] { definitions.map(\.yaml) }

    /// The policy that is shipped: lets everything run, and warns of what is below `baseline`.
    package static let defaultName = "bulwark-default"
    package static let defaultPolicy = """
        {"apiVersion":"\(apiVersion)","kind":"PodPolicy","metadata":{"name":"\(defaultName)"},\
        "spec":{"mode":"warn","standard":{"level":"baseline","version":"latest"},"appliesByDefault":true}}
        """

    /// On a pod: the policy that accepted it. Trusted by nobody, only asked first.
    package static let acceptedBy = "\(group)/pod-policy"
}
