// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Kubernetes

/// The CustomResourceDefinition that a template makes: the kind of its constraints.
struct ConstraintDefinition {
    /// `k8srequiredlabels.constraints.gatekeeper.sh`
    let name: String
    let manifest: ManifestValue

    /// - Parameter takesAnything: the template's schema of parameters is left out, where an API server would not take it.
    init(_ template: ConstraintTemplate, uid: String, takesAnything: Bool = false) {
        name = "\(template.name).\(Constraint.group)"
        let spec = template.object["spec"]?["crd"]?["spec"]
        var names: ManifestValue = [
            "kind": .string(template.kind), "listKind": .string(template.kind + "List"),
            "plural": .string(template.name), "singular": .string(template.name),
            "categories": ["constraint", "constraints"],
        ]
        if let short = spec?["names"]?["shortNames"], short.isArray, short.count > 0 {
            names["shortNames"] = .node(short)
        }
        var parameters: ManifestValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        let validation = spec?["validation"]
        if !takesAnything, validation?["legacySchema"]?.bool != true, let schema = validation?["openAPIV3Schema"],
            schema.isObject, schema.count > 0
        {
            parameters = .node(schema)
        }
        let versions = ["v1beta1", "v1alpha1"].map { version -> ManifestValue in
            [
                "name": .string(version), "served": true, "storage": .bool(version == "v1beta1"),
                "subresources": ["status": [:]],
                "additionalPrinterColumns": [
                    [
                        "name": "enforcement-action", "type": "string", "jsonPath": ".spec.enforcementAction",
                        "description": "What follows from a violation.",
                    ],
                    [
                        "name": "total-violations", "type": "integer", "jsonPath": ".status.totalViolations",
                        "description": "Violations that the last audit found.",
                    ],
                ],
                "schema": ["openAPIV3Schema": Self.schema(parameters)],
            ]
        }
        manifest = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": [
                "name": .string(name),
                "labels": ["gatekeeper.sh/constraint": "yes", "app.kubernetes.io/managed-by": "bulwark"],
                "ownerReferences": [
                    [
                        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
                        "name": .string(template.name), "uid": .string(uid), "controller": true,
                    ]
                ],
            ],
            "spec": [
                "group": .string(Constraint.group), "scope": "Cluster", "names": names, "versions": .array(versions),
            ],
        ]
    }

    private static func schema(_ parameters: ManifestValue) -> ManifestValue {
        let text: ManifestValue = ["type": "string"]
        let texts: ManifestValue = ["type": "array", "items": text]
        // The core group is the empty text, which some servers take for nothing where a text is asked for.
        let groups: ManifestValue = ["type": "array", "items": ["x-kubernetes-preserve-unknown-fields": true]]
        let any: ManifestValue = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        return [
            "type": "object",
            "properties": [
                "apiVersion": text, "kind": text,
                "metadata": ["type": "object", "properties": ["name": ["type": "string", "maxLength": 63]]],
                "spec": [
                    "type": "object",
                    "properties": [
                        "enforcementAction": text,
                        "scopedEnforcementActions": [
                            "type": "array",
                            "items": [
                                "type": "object",
                                "properties": [
                                    "action": text,
                                    "enforcementPoints": [
                                        "type": "array", "items": ["type": "object", "properties": ["name": text]],
                                    ],
                                ],
                            ],
                        ],
                        "match": [
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                            "properties": [
                                "kinds": [
                                    "type": "array",
                                    "items": ["type": "object", "properties": ["apiGroups": groups, "kinds": texts]],
                                ],
                                "namespaces": texts, "excludedNamespaces": texts, "labelSelector": any,
                                "namespaceSelector": any, "scope": text, "name": text, "source": text,
                            ],
                        ],
                        "parameters": parameters,
                    ],
                ],
                "status": any,
            ],
        ]
    }
}
