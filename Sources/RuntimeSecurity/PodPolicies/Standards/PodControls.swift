// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The controls over the pod as a whole.
extension StandardJudge {
    mutating func hostNamespaces() {
        let namespaces: [(Bool, String)] = [
            (pod.hostNetwork, "hostNetwork"), (pod.hostPID, "hostPID"), (pod.hostIPC, "hostIPC"),
        ]
        for (isShared, field) in namespaces where isShared {
            refuse(
                "hostNamespaces", nil, field, value: .bool(true), "sharing the node's namespaces is not allowed",
                remedy: "set it to false or remove it")
        }
    }

    mutating func volumes() {
        for (index, volume) in pod.volumes.enumerated() {
            for type in [volume.type] + volume.otherTypes {
                // Without a source the API server makes it an emptyDir.
                if type.isEmpty || (isRestricted ? Self.restrictedVolumes.contains(type) : type != "hostPath") {
                    continue
                }
                let path = "volumes[\(index)].\(type)"
                if isRestricted {
                    refuse(
                        "restrictedVolumes", nil, path, value: .string(volume.name),
                        "a volume of type \(type) is not allowed",
                        remedy: "use \(Self.restrictedVolumes.joined(separator: ", "))")
                } else {
                    refuse(
                        "hostPathVolumes", nil, "\(path).path", value: .string(volume.hostPath),
                        "hostPath volumes are not allowed", remedy: "use another type of volume")
                }
            }
        }
    }

    /// `image` came in Kubernetes 1.33, for the standards of every version (kubernetes/kubernetes#130394).
    private static let restrictedVolumes = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    ]

    mutating func sysctls(_ sysctls: [Sysctl]) {
        for (index, sysctl) in sysctls.enumerated() {
            if let since = Self.safeSysctls[sysctl.name], minor >= since { continue }
            refuse(
                "sysctls", nil, "securityContext.sysctls[\(index)].name", value: .string(sysctl.name),
                "only sysctls that are safe for the node are allowed", remedy: "remove it")
        }
    }

    /// With the version from which on each is allowed.
    private static let safeSysctls: [String: Int] = [
        "kernel.shm_rmid_forced": 0, "net.ipv4.ip_local_port_range": 0, "net.ipv4.tcp_syncookies": 0,
        "net.ipv4.ping_group_range": 0, "net.ipv4.ip_unprivileged_port_start": 0,
        "net.ipv4.ip_local_reserved_ports": 27,
        "net.ipv4.tcp_keepalive_time": 29, "net.ipv4.tcp_fin_timeout": 29, "net.ipv4.tcp_keepalive_intvl": 29,
        "net.ipv4.tcp_keepalive_probes": 29,
        "net.ipv4.tcp_rmem": 32, "net.ipv4.tcp_wmem": 32,
        "net.ipv4.tcp_notsent_lowat": 37, "net.ipv4.tcp_slow_start_after_idle": 37,
    ]

    /// The annotations of AppArmor count at every version, those of seccomp before its fields.
    mutating func annotations() {
        if pod.annotations.isEmpty { return }
        for key in pod.annotations.keys.filter({ $0.hasPrefix(Self.appArmorPrefix) }).sorted() {
            let value = pod.annotations[key] ?? ""
            if value.isEmpty || value == "runtime/default" || value.hasPrefix("localhost/") { continue }
            refuse(
                "appArmorProfile", container(named: key.dropFirst(Self.appArmorPrefix.count)),
                path: "metadata.annotations[\(key)]", value: .string(value), "this AppArmor profile is not allowed",
                remedy: "set it to runtime/default or localhost/…, or remove it")
        }
        guard minor < 19 else { return }
        seccompAnnotation("seccomp.security.alpha.kubernetes.io/pod", nil)
        for container in pod.allContainers {
            seccompAnnotation("container.seccomp.security.alpha.kubernetes.io/" + container.name, container)
        }
    }

    private static let appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/"

    private mutating func seccompAnnotation(_ key: String, _ container: Container?) {
        guard let value = pod.annotations[key], value != "runtime/default", value != "docker/default",
            !value.hasPrefix("localhost/")
        else { return }
        refuse(
            "seccompProfile", container, path: "metadata.annotations[\(key)]", value: .string(value),
            "this seccomp profile is not allowed",
            remedy: "set it to runtime/default or localhost/…, or remove it")
    }

    private func container(named name: Substring) -> Container? { pod.allContainers.first { $0.name == name } }
}
