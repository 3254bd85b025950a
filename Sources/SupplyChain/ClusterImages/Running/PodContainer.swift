// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import ImagePolicies
import OCI

/// A container of a pod and the image that it runs.
struct PodContainer: Hashable, Sendable {
    var name: String
    /// Made whole; as the pod writes it where it is no reference.
    var reference: String
    /// Of the manifest or of the index of platforms; empty where the pod's status does not say.
    var digest: String

    /// More containers than a pod can have in the API server's limits of size.
    private static let limit = 2_000

    /// All containers of a pod: init and ephemeral ones run code like the others. Empty for a pod that has ended.
    static func all(of pod: Node) -> [PodContainer] {
        let phase = pod["status"]?["phase"]?.string
        guard phase != "Succeeded", phase != "Failed" else { return [] }
        var found: [PodContainer] = []
        for (list, statuses) in [
            ("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"),
            ("ephemeralContainers", "ephemeralContainerStatuses"),
        ] {
            guard let containers = pod["spec"]?[dynamic: list], containers.isArray else { continue }
            var ids: [String: String] = [:]
            if let statuses = pod["status"]?[dynamic: statuses], statuses.isArray {
                for status in statuses.elements.prefix(limit) {
                    if let name = status["name"]?.string { ids[name] = status["imageID"]?.string ?? "" }
                }
            }
            for container in containers.elements.prefix(limit) {
                guard let name = container["name"]?.string, let image = container["image"]?.string, !image.isEmpty
                else { continue }
                let whole = try? ImageScan.reference(image)
                found.append(
                    PodContainer(
                        name: name, reference: whole ?? image,
                        digest: digest(imageID: ids[name] ?? "") ?? whole.flatMap { digest(imageID: $0) } ?? ""))
            }
        }
        return found
    }

    /// The names of the Secrets with the pod's logins, each once; more than a few serve nobody.
    static func pullSecrets(of pod: Node) -> [String] {
        guard let list = pod["spec"]?["imagePullSecrets"], list.isArray else { return [] }
        var names: [String] = []
        for entry in list.elements.prefix(16) {
            guard let name = entry["name"]?.string, isName(name), !names.contains(name) else { continue }
            names.append(name)
        }
        return names
    }

    /// Whether it is a name of an object (RFC 1123), which stands in a path.
    private static func isName(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text.first != "." && text.first != "-"
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            }
    }

    /// Whether it runs an image of this repository.
    func runs(_ repository: String) -> Bool {
        guard reference.hasPrefix(repository) else { return false }
        let next = reference.utf8.dropFirst(repository.utf8.count).first
        return next == nil || next == UInt8(ascii: ":") || next == UInt8(ascii: "@")
    }

    /// The digest of an image's manifest in what a container runtime calls the image:
    /// `docker-pullable://registry.example.com/shop/cart@sha256:…`, `registry.example.com/shop/cart@sha256:…`.
    ///
    /// Nil for `docker://sha256:…` and `sha256:…`, which name the configuration and which no registry knows.
    static func digest(imageID: String) -> String? {
        guard imageID.utf8.count <= 2_048, let at = imageID.lastIndex(of: "@") else { return nil }
        return (try? Digest(String(imageID[at...].dropFirst())))?.description
    }
}
