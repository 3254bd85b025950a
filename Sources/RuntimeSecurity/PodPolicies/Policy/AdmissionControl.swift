// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The AdmissionControl object named `bulwark`: switches all pod policies, or those of one namespace, off and on.
package struct AdmissionControl: Sendable, Equatable {
    /// The only name that counts.
    package static let name = "bulwark"

    package var isEnabled: Bool
    package var disabledNamespaces: Set<String>
    /// Whether Pod Security Admission's namespace labels count too.
    package var podSecurityLabels: Bool

    package init(isEnabled: Bool = true, disabledNamespaces: Set<String> = [], podSecurityLabels: Bool = false) {
        self.isEnabled = isEnabled
        self.disabledNamespaces = disabledNamespaces
        self.podSecurityLabels = podSecurityLabels
    }

    /// Reads an AdmissionControl object.
    /// - Throws: the first field that is not what it should be; unknown fields and another name too.
    package init(_ node: Node) throws(PodFieldError) {
        let (metadata, spec) = try FieldReader.object(
            node, kind: "AdmissionControl", spec: ["enabled", "disabledNamespaces", "podSecurityLabels"])
        guard try FieldReader.name(of: metadata) == Self.name else {
            throw PodFieldError(path: "metadata.name", message: "must be \(Self.name): there is only one")
        }
        self.init(
            isEnabled: try spec.bool("enabled") ?? true,
            disabledNamespaces: Set(try spec.names("disabledNamespaces")),
            podSecurityLabels: try spec.bool("podSecurityLabels") ?? false)
    }

    package func isOn(in namespace: String) -> Bool { isEnabled && !disabledNamespaces.contains(namespace) }
}
