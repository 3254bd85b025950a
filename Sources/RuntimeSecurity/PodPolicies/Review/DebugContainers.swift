// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

/// `pods/ephemeralcontainers` of API servers before 1.22: an object of kind EphemeralContainers, not the pod.
enum DebugContainers {
    static func areAlone(_ request: AdmissionRequest) -> Bool {
        request.subresource == "ephemeralcontainers" && request.kind.group.isEmpty
            && request.kind.name == "EphemeralContainers"
    }

    /// Makes of the request what newer servers send: the pod with its new debug containers, and the pod before.
    static func complete(_ request: inout AdmissionRequest, _ readPod: PodPolicyReviewer.PodReader) async throws {
        guard let containers = request.object?["ephemeralContainers"], containers.isArray else {
            throw PodPolicyError(.unreadablePod, "pods/ephemeralcontainers came without a list ephemeralContainers")
        }
        let pod: Node
        do { pod = try await readPod(request.name, request.namespace) } catch {
            throw PodPolicyError(
                .unreadablePod,
                "the pod \(request.namespace)/\(request.name) of the debug containers cannot be read: \(error)",
                cause: error)
        }
        let merged = object(pod, replacing: "spec") { spec in
            object(spec, replacing: "ephemeralContainers") { _ in containers.json() }
        }
        do {
            request.object = try JSONReader.read(Array(merged.utf8), source: "pods/ephemeralcontainers").root
        } catch {
            throw PodPolicyError(
                .unreadablePod, "the pod with its debug containers cannot be read: \(error)", cause: error)
        }
        request.oldObject = pod
        request.kind.name = "Pod"
    }

    /// The JSON of an object with one member in place of what it has there.
    private static func object(_ node: Node, replacing key: String, _ value: (Node) -> String) -> String {
        var members = node.members.filter { $0.key.string != key }.map { "\(quoted($0.key.string)):\($0.value.json())" }
        members.append("\(quoted(key)):\(value(node[dynamic: key] ?? node))")
        return "{\(members.joined(separator: ","))}"
    }

    private static func quoted(_ text: String) -> String { EditValue.string(text).json }
}
