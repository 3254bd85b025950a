// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// A `ConstraintTemplate` of templates.gatekeeper.sh (v1, v1beta1, v1alpha1): a kind of constraint and the code that judges.
package struct ConstraintTemplate: Sendable {
    /// The object's own name, the kind in small letters.
    package let name: String
    /// The kind of its constraints.
    package let kind: String
    /// What `parameters` may hold; nil is anything.
    package let schema: ParameterSchema?
    package let rego: RegoSource?
    package let cel: Node?
    package let object: Node

    package struct RegoSource: Sendable {
        package let main: String
        package let libraries: [String]
        package let version: RegoVersion
    }

    package static let group = "templates.gatekeeper.sh"
    package static let target = "admission.k8s.gatekeeper.sh"

    package init(_ object: Node) throws(GatekeeperError) {
        self.object = object
        name = object["metadata"]?["name"]?.string ?? ""
        guard object["kind"]?.string == "ConstraintTemplate",
            object["apiVersion"]?.string?.hasPrefix(ConstraintTemplate.group + "/") == true
        else { throw GatekeeperError(.invalid, "not a ConstraintTemplate of \(ConstraintTemplate.group)") }
        let spec = object["spec"]
        guard let kind = spec?["crd"]?["spec"]?["names"]?["kind"]?.string, !kind.isEmpty else {
            throw GatekeeperError(.invalid, "spec.crd.spec.names.kind is missing")
        }
        self.kind = kind
        guard name == kind.lowercased() else {
            throw GatekeeperError(
                .invalid,
                "metadata.name is \(name), which must be spec.crd.spec.names.kind in small letters: \(kind.lowercased())"
            )
        }
        let validation = spec?["crd"]?["spec"]?["validation"]
        schema = try validation?["openAPIV3Schema"].map { node throws(GatekeeperError) in try ParameterSchema(node) }
        guard let targets = spec?["targets"], targets.isArray, targets.count == 1, let target = targets[0] else {
            throw GatekeeperError(.invalid, "spec.targets must have one target")
        }
        guard target["target"]?.string == ConstraintTemplate.target else {
            throw GatekeeperError(.invalid, "spec.targets[0].target must be \(ConstraintTemplate.target)")
        }
        var rego = try ConstraintTemplate.source(target, version: .v0)
        var cel: Node?
        if let code = target["code"] {
            guard code.isArray else { throw GatekeeperError(.invalid, "spec.targets[0].code is no list") }
            for entry in code.elements {
                switch entry["engine"]?.string {
                case "Rego":
                    let version = entry["source"]?["version"]?.string ?? "v0"
                    guard let dialect = RegoVersion(rawValue: version) else {
                        throw GatekeeperError(.invalid, "spec.targets[0].code: there is no version \(version) of Rego")
                    }
                    rego = try entry["source"].flatMap { node throws(GatekeeperError) in
                        try ConstraintTemplate.source(node, version: dialect)
                    }
                case "K8sNativeValidation": cel = entry["source"]
                case let other?: throw GatekeeperError(.invalid, "spec.targets[0].code: there is no engine \(other)")
                case nil: throw GatekeeperError(.invalid, "spec.targets[0].code: an entry has no engine")
                }
            }
        }
        guard rego != nil || cel != nil else { throw GatekeeperError(.invalid, "spec.targets[0] has no code") }
        self.rego = rego
        self.cel = cel
    }

    private static func source(_ node: Node, version: RegoVersion) throws(GatekeeperError) -> RegoSource? {
        guard let main = node["rego"]?.string, !main.isEmpty else { return nil }
        var libraries: [String] = []
        if let libs = node["libs"], !libs.isNull {
            guard libs.isArray else { throw GatekeeperError(.invalid, "libs is no list") }
            for lib in libs.elements {
                guard let text = lib.string else { throw GatekeeperError(.invalid, "libs holds what is no text") }
                libraries.append(text)
            }
        }
        return RegoSource(main: main, libraries: libraries, version: version)
    }
}
