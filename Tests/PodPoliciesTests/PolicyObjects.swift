// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import PodPolicies
import Testing

/// The object of a YAML or JSON text.
func object(_ text: String) throws -> Node {
    let documents = DocumentReader.documents(in: Array(text.utf8), source: "test")
    return try #require(documents.first).get().root
}

func policy(_ name: String, _ spec: String) throws -> PodPolicy {
    try PodPolicy(object(#"{"metadata":{"name":"\#(name)"},"spec":\#(spec)}"#))
}

func binding(_ name: String, _ spec: String) throws -> PodPolicyBinding {
    try PodPolicyBinding(object(#"{"metadata":{"name":"\#(name)"},"spec":\#(spec)}"#))
}

/// Fields that allow everything but what `more` says.
func fields(_ more: String = "") -> String {
    #"{"seLinux":{"rule":"RunAsAny"},"runAsUser":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"},"#
        + #""fsGroup":{"rule":"RunAsAny"},"volumes":["*"]\#(more.isEmpty ? "" : "," + more)}"#
}

func podText(
    _ name: String = "p", account: String = "default", container: String = "", spec: String = "", metadata: String = ""
) -> String {
    #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"\#(name)","namespace":"shop"\#(metadata)},"#
        + #""spec":{"serviceAccountName":"\#(account)","containers":[{"name":"app","image":"a"\#(container)}]\#(spec)}}"#
}

let privileged = #","securityContext":{"privileged":true}"#

func request(
    _ object: String?, old: String? = nil, _ operation: AdmissionRequest.Operation = .create, user: String = "anna",
    groups: [String] = ["system:authenticated"], namespace: String = "shop", subresource: String = "",
    kind: GroupVersionName = .init(group: "", version: "v1", name: "Pod"), resource: String = "pods"
) throws -> AdmissionRequest {
    AdmissionRequest(
        uid: "u", operation: operation, kind: kind,
        resource: .init(group: kind.group, version: kind.version, name: resource), subresource: subresource,
        namespace: namespace, name: "p", user: user, groups: groups,
        object: try object.map { try PodPoliciesTests.object($0) },
        oldObject: try old.map { try PodPoliciesTests.object($0) })
}

/// An index that holds these objects, read as a watch would tell them.
func index(
    policies: [(String, String)] = [], bindings: [(String, String)] = [], control: String? = nil,
    namespaces: [String: [String: String]] = ["shop": [:]]
) throws -> PolicyIndex {
    let index = PolicyIndex()
    for (name, spec) in policies {
        index.put(policy: try object(#"{"metadata":{"name":"\#(name)"},"spec":\#(spec)}"#), name: name)
    }
    for (name, spec) in bindings {
        index.put(binding: try object(#"{"metadata":{"name":"\#(name)"},"spec":\#(spec)}"#), name: name)
    }
    if let control {
        index.put(control: try object(#"{"metadata":{"name":"bulwark"},"spec":\#(control)}"#), name: "bulwark")
    }
    for (name, labels) in namespaces { index.put(namespace: name, labels: labels) }
    #expect(index.problems.isEmpty)
    index.wait(for: nil)
    return index
}
