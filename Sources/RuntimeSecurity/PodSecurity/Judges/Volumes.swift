// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Volumes, most of all those that are a piece of the node.
enum Volumes {
    /// What may stand in a pod under Pod Security Standards (restricted), and the volume's name.
    private static func isUsual(_ key: Node.Key) -> Bool {
        switch key {
        case "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
            "projected", "secret":
            true
        default: false
        }
    }
    /// With any of these a container owns the node, or reads what keeps it safe.
    private static let sensitive = [
        "/boot", "/dev", "/etc", "/home", "/lib/modules", "/proc", "/root", "/run", "/sys", "/usr", "/bin", "/sbin",
        "/lib",
        "/lib64", "/var/run", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers",
        "/var/lib/etcd", "/var/lib/kubernetes", "/var/lib/rancher", "/var/lib/cni", "/opt/cni",
    ]
    /// Parents whose mount holds all of the above.
    private static let parents: Set<String> = ["/", "/var", "/var/lib"]
    private static let sockets = [
        "docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock", "dockershim.sock", "podman.sock",
        "frakti.sock",
    ]
    private static let socketFolders: Set<String> = [
        "/run/containerd", "/var/run/containerd", "/run/crio", "/var/run/crio", "/run/k3s/containerd", "/run/docker",
        "/var/run/docker", "/run/podman", "/var/run/podman",
    ]

    struct HostPath {
        let index: Int
        let name: String
        /// Without double or trailing slashes, with `..` worked out.
        let path: String
        let node: Node?
    }

    static func hostPath(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let volume = try hostPaths(target).first else { return .pass }
        return .fail("The pod mounts \(volume.path) of its node.", place(volume), volume.node)
    }

    static func sensitiveHostPath(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        for volume in try hostPaths(target) where isSensitive(volume.path) {
            return .fail(
                "The pod mounts \(volume.path) of its node, a place that the node's safety rests on.", place(volume),
                volume.node)
        }
        return .pass
    }

    static func runtimeSocket(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        for volume in try hostPaths(target)
        where sockets.contains(where: { volume.path.hasSuffix("/\($0)") }) || socketFolders.contains(volume.path) {
            return .fail(
                "The pod mounts the container runtime's socket: it can start any container on the node.", place(volume),
                volume.node)
        }
        return .pass
    }

    static func writableHostPath(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        let volumes = try hostPaths(target)
        if volumes.isEmpty { return .pass }
        for container in target.containers {
            let place = "\(container.role.list)[\(container.index)]"
            do throws(UnreadableField) {
                let found: Verdict? = try container.node.first(of: "volumeMounts") {
                    (index, mount) throws(UnreadableField) in
                    guard let name = try mount.string("name"), volumes.contains(where: { $0.name == name }),
                        try mount.bool("readOnly") != true
                    else { return nil }
                    return .fail(
                        "The container \(container.name) can write to the node through \(name).",
                        .pod("\(place).volumeMounts[\(index)]"), at: mount)
                }
                if let found { return found }
            } catch {
                throw UnreadableField(message: error.message, path: "\(place).\(error.path)")
            }
        }
        return .pass
    }

    static func unusualType(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        try target.podSpec?.first(of: "volumes") { (index, volume) throws(UnreadableField) in
            for (key, _) in volume.members where !isUsual(key) {
                return .fail(
                    "The volume type \(key.string) is outside the safe set.", .pod("volumes[\(index)].\(key.string)"),
                    at: volume[dynamic: key.string])
            }
            return nil
        } ?? .pass
    }

    private static func place(_ volume: HostPath) -> FieldPath { .pod("volumes[\(volume.index)].hostPath.path") }

    private static func hostPaths(_ target: Target) throws(UnreadableField) -> [HostPath] {
        try target.hostPaths.get()
    }

    static func hostPaths(of spec: Node?) throws(UnreadableField) -> [HostPath] {
        var found: [HostPath] = []
        _ = try spec?.first(of: "volumes") { (index, volume) throws(UnreadableField) -> Verdict? in
            guard let source = try volume.object("hostPath") else { return nil }
            let (name, path) = (try volume.string("name") ?? "", try source.string("path") ?? "")
            found.append(HostPath(index: index, name: name, path: normal(path), node: source["path"]))
            return nil
        }
        return found
    }

    private static func isSensitive(_ path: String) -> Bool {
        if parents.contains(path) { return true }
        // Time zone and host name files say nothing.
        if path == "/etc/localtime" || path == "/etc/timezone" || path == "/usr/share/zoneinfo" { return false }
        return sensitive.contains { path == $0 || path.hasPrefix("\($0)/") }
    }

    private static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
