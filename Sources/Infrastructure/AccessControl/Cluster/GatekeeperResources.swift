// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Kubernetes

/// The kinds that Gatekeeper's users bring, as a cluster that never ran it needs them. Their fields are judged by the
/// webhooks, which name what is wrong; the definitions themselves take any, so that objects of every release pass.
package enum GatekeeperResources {
    private struct Kind {
        let group: String
        let kind: String
        let plural: String
        /// The stored one first.
        let versions: [String]
        let isNamespaced: Bool
        let text: String
    }

    private static let kinds: [Kind] = [
        Kind(
            group: ConstraintTemplate.group, kind: "ConstraintTemplate", plural: "constrainttemplates",
            versions: ["v1", "v1beta1", "v1alpha1"], isNamespaced: false,
            text: "A kind of constraint, and the code that judges by it."),
        Kind(
            group: GatekeeperConfig.group, kind: "Config", plural: "configs", versions: ["v1alpha1"],
            isNamespaced: true, text: "Which namespaces are left alone, and what templates may look at."),
        Kind(
            group: SyncSet.group, kind: "SyncSet", plural: "syncsets", versions: ["v1alpha1"], isNamespaced: false,
            text: "Kinds whose objects templates may look at."),
        Kind(
            group: Mutator.group, kind: "Assign", plural: "assign", versions: ["v1", "v1beta1", "v1alpha1"],
            isNamespaced: false, text: "Sets a field of an object."),
        Kind(
            group: Mutator.group, kind: "AssignMetadata", plural: "assignmetadata",
            versions: ["v1", "v1beta1", "v1alpha1"], isNamespaced: false, text: "Sets a label or an annotation."),
        Kind(
            group: Mutator.group, kind: "ModifySet", plural: "modifyset", versions: ["v1", "v1beta1", "v1alpha1"],
            isNamespaced: false, text: "Adds to a list or takes out of it."),
        Kind(
            group: Mutator.group, kind: "AssignImage", plural: "assignimage", versions: ["v1alpha1"],
            isNamespaced: false, text: "Sets parts of an image's name."),
        Kind(
            group: ExpansionTemplate.group, kind: "ExpansionTemplate", plural: "expansiontemplate",
            versions: ["v1beta1", "v1alpha1"], isNamespaced: false,
            text: "Which pods a workload will make, to judge them when it is written."),
        Kind(
            group: ExternalDataProvider.group, kind: "Provider", plural: "providers",
            versions: ["v1beta1", "v1alpha1"],
            isNamespaced: false, text: "A service that templates and mutators may ask."),
    ]

    /// The CustomResourceDefinitions, to be made where they are missing.
    package static var definitions: [WebhookInstaller.Default] {
        kinds.map { kind in
            WebhookInstaller.Default(
                resource: .customResourceDefinitions, name: "\(kind.plural).\(kind.group)", json: definition(kind).json)
        }
    }

    /// Where an object of these kinds is written; nil for a constraint's kind, which its template makes.
    static func resource(_ kind: String, version: String) -> APIResource? {
        kinds.first { $0.kind == kind }.map {
            APIResource(
                group: $0.group, version: version, plural: $0.plural, kind: kind, namespaced: $0.isNamespaced)
        }
    }

    private static func definition(_ kind: Kind) -> ManifestValue {
        let versions = kind.versions.enumerated().map { index, version -> ManifestValue in
            var spec: ManifestValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
            if kind.kind == "ConstraintTemplate" { spec = templateSpec(isLegacy: version != "v1") }
            return [
                "name": .string(version), "served": true, "storage": .bool(index == 0),
                "subresources": ["status": [:]],
                "schema": [
                    "openAPIV3Schema": [
                        "type": "object", "description": .string(kind.text),
                        "properties": [
                            "apiVersion": ["type": "string"], "kind": ["type": "string"],
                            "metadata": ["type": "object"], "spec": spec,
                            "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                        ],
                    ]
                ],
            ]
        }
        return [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": [
                "name": .string("\(kind.plural).\(kind.group)"), "labels": ["app.kubernetes.io/managed-by": "bulwark"],
            ],
            "spec": [
                "group": .string(kind.group), "scope": kind.isNamespaced ? "Namespaced" : "Cluster",
                "names": [
                    "kind": .string(kind.kind), "listKind": .string(kind.kind + "List"), "plural": .string(kind.plural),
                    "singular": .string(kind.kind.lowercased()),
                ],
                "versions": .array(versions),
            ],
        ]
    }

    /// Before v1 a schema of parameters need not be structural unless the template says so.
    private static func templateSpec(isLegacy: Bool) -> ManifestValue {
        let any: ManifestValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        return [
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": [
                "crd": [
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": [
                        "spec": [
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                            "properties": [
                                "validation": [
                                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                                    "default": [:],
                                    "properties": [
                                        "legacySchema": ["type": "boolean", "default": .bool(isLegacy)]
                                    ],
                                ]
                            ],
                        ]
                    ],
                ],
                "targets": ["type": "array", "items": any],
            ],
        ]
    }
}
