// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension RulesJudge {
    mutating func judgeVolumes() {
        for (index, volume) in pod.volumes.enumerated() {
            let at = "spec.volumes[\(index)]"
            // The API server gives a volume without a source an empty directory. Of several sources each must pass.
            let types = [volume.type.isEmpty ? "emptyDir" : volume.type] + volume.otherTypes
            for type in types where !allows(type, volume) {
                add(
                    "volumes", path: at, value: .string(type), message: "\(type) volumes are not allowed",
                    remedy: rules.volumes.isEmpty
                        ? "remove the volume" : "use one of \(rules.volumes.joined(separator: ", "))")
            }
            if types.contains("hostPath") { judgeHostPath(volume, at: at) }
            if types.contains("flexVolume") {
                judgeDriver(
                    volume.driver, of: rules.allowedFlexVolumes, "allowedFlexVolumes", path: "\(at).flexVolume.driver")
            }
            if types.contains("csi") {
                judgeDriver(volume.driver, of: rules.allowedCSIDrivers, "allowedCSIDrivers", path: "\(at).csi.driver")
            }
        }
    }

    /// Policies name the CephFS type `cephFS`, pods `cephfs`. What mounts a service account's token shows no more than
    /// a secret does.
    private func allows(_ type: String, _ volume: Volume) -> Bool {
        let name = type == "cephfs" ? "cephFS" : type
        return rules.volumes.contains { $0 == name || $0 == "*" }
            || type == "projected" && volume.isServiceAccountProjection && rules.volumes.contains("secret")
    }

    private mutating func judgeDriver(_ driver: String, of allowed: [String], _ control: String, path: String) {
        guard !allowed.isEmpty, !allowed.contains(driver) else { return }
        add(
            control, path: path, value: .string(driver), message: "the driver \(driver) is not allowed",
            remedy: remedy(allowed, orRemove: false))
    }

    private mutating func judgeHostPath(_ volume: Volume, at: String) {
        let matching = rules.allowedHostPaths.filter { Self.path(volume.hostPath, isUnder: $0.pathPrefix) }
        guard !rules.allowedHostPaths.isEmpty, !matching.contains(where: { !$0.readOnly }) else { return }
        if matching.isEmpty {
            add(
                "allowedHostPaths", path: "\(at).hostPath.path", value: .string(volume.hostPath),
                message: "the host path \(volume.hostPath) is not allowed",
                remedy: remedy(rules.allowedHostPaths.map(\.pathPrefix), orRemove: false))
            return
        }
        for container in pod.allContainers {
            for (index, mount) in container.volumeMounts.enumerated()
            where mount.name == volume.name && !mount.readOnly {
                add(
                    "allowedHostPaths", container: container.name,
                    path: "\(container.path).volumeMounts[\(index)].readOnly", value: false,
                    message: "the host path \(volume.hostPath) must be mounted read-only", remedy: "set it to true")
            }
        }
    }

    /// Whether a path is the prefix or below it, by whole segments; one slash at the end of either does not count.
    /// A path with `..`, which no API server takes, is below nothing.
    private static func path(_ path: String, isUnder prefix: String) -> Bool {
        guard !path.split(separator: "/").contains("..") else { return false }
        let path = path.utf8.last == 0x2F ? path.utf8.dropLast() : path.utf8[...]
        let prefix = prefix.utf8.last == 0x2F ? prefix.utf8.dropLast() : prefix.utf8[...]
        guard path.starts(with: prefix) else { return false }
        return path.count == prefix.count || path.dropFirst(prefix.count).first == 0x2F
    }
}
