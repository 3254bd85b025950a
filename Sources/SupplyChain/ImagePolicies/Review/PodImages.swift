// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

/// An image that a pod names.
package struct PodImage: Sendable, Equatable {
    /// The container's name, or the volume's.
    package var container: String
    /// `spec.containers[0].image`, from the root of the object that holds the pod.
    package var path: String
    /// As it stands there.
    package var image: String

    package init(container: String, path: String, image: String) {
        (self.container, self.path, self.image) = (container, path, image)
    }
}

/// Finds the images of pods and of the templates that pods are made of: of all kinds of containers, and of volumes that
/// are filled from an image.
package enum PodImages {
    /// Far beyond what a pod holds that fits into an API server.
    static let maxImages = 5000

    private static let workload: [StaticString] = ["spec", "template"]
    /// The way to the template, by group and kind.
    private static let templates: [String: [StaticString]] = [
        "/Pod": [], "apps/Deployment": workload, "apps/ReplicaSet": workload, "apps/StatefulSet": workload,
        "apps/DaemonSet": workload, "batch/Job": workload,
        "batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
        "/ReplicationController": workload, "/PodTemplate": ["template"],
    ]

    package static func isTemplate(_ kind: GroupVersionName) -> Bool {
        templates["\(kind.group)/\(kind.name)"]?.isEmpty == false
    }

    /// - Parameter kind: of `object`; objects inside a request do not always say their own.
    /// - Throws: `request` where a pod should be and is none.
    package static func find(in object: Node, kind: GroupVersionName) throws(ImagePolicyError) -> [PodImage] {
        // API servers before 1.22 send debug containers without their pod.
        if kind.group.isEmpty, kind.name == "EphemeralContainers" {
            var images: [PodImage] = []
            try containers(object["ephemeralContainers"], "ephemeralContainers", &images)
            return images
        }
        guard let steps = templates["\(kind.group)/\(kind.name)"] else {
            throw ImagePolicyError(.request, "a \(kind) holds no pod")
        }
        return try find(in: object, below: steps.map { "\($0)" })
    }

    /// - Parameter steps: the way to the pod or the template that it is made of: `spec`, `template`; empty for a pod.
    /// - Throws: `request` where a pod should be and is none.
    package static func find(in object: Node, below steps: [String]) throws(ImagePolicyError) -> [PodImage] {
        var images: [PodImage] = []
        var (holder, prefix) = (object, "")
        for step in steps + ["spec"] {
            guard let next = holder[dynamic: step], next.isObject else {
                throw ImagePolicyError(.request, "\(prefix)\(step) must be an object")
            }
            holder = next
            prefix += "\(step)."
        }
        for list in ["containers", "initContainers", "ephemeralContainers"] as [StaticString] {
            try containers(holder[list], "\(prefix)\(list)", &images)
        }
        try volumes(holder["volumes"], "\(prefix)volumes", &images)
        return images
    }

    private static func elements(_ node: Node?, _ path: String, _ images: [PodImage]) throws(ImagePolicyError) -> [Node]
    {
        guard let node, !node.isNull else { return [] }
        guard node.isArray else { throw ImagePolicyError(.request, "\(path) must be a list") }
        guard images.count + node.count <= maxImages else {
            throw ImagePolicyError(.request, "\(path): more than \(maxImages) images in one pod")
        }
        return Array(node.elements)
    }

    private static func containers(_ node: Node?, _ path: String, _ images: inout [PodImage]) throws(ImagePolicyError) {
        for (index, element) in try elements(node, path, images).enumerated() {
            guard element.isObject else { throw ImagePolicyError(.request, "\(path)[\(index)] must be an object") }
            let image = element["image"]
            guard image == nil || image?.isNull == true || image?.string != nil else {
                throw ImagePolicyError(.request, "\(path)[\(index)].image must be a string")
            }
            images.append(
                PodImage(
                    container: element["name"]?.string ?? "", path: "\(path)[\(index)].image",
                    image: image?.string ?? ""))
        }
    }

    private static func volumes(_ node: Node?, _ path: String, _ images: inout [PodImage]) throws(ImagePolicyError) {
        for (index, element) in try elements(node, path, images).enumerated() {
            guard let source = element["image"], !source.isNull else { continue }
            let reference = source["reference"]
            guard reference == nil || reference?.isNull == true || reference?.string != nil else {
                throw ImagePolicyError(.request, "\(path)[\(index)].image.reference must be a string")
            }
            images.append(
                PodImage(
                    container: element["name"]?.string ?? "", path: "\(path)[\(index)].image.reference",
                    image: reference?.string ?? ""))
        }
    }
}
