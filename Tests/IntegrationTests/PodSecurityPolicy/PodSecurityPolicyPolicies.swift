// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Makes PodSecurityPolicies: open ones with a few of the restrictions there are.
struct PolicyMaker {
    private var dice: Dice
    private var spec: [String: EditValue] = [:]
    private var annotations: [String: EditValue] = [:]

    init(seed: UInt64) { dice = Dice(seed: seed) }

    mutating func policy(named name: String) -> EditValue {
        setOpen()
        for field in ["privileged", "hostNetwork", "hostPID", "hostIPC"] where dice.rolls(30) { spec[field] = nil }
        for _ in 0..<dice.one(of: [0, 1, 1, 2, 2, 3, 4, 6]) { restrict() }
        return object(name)
    }

    /// A policy that accepts everything and changes nothing.
    mutating func open(named name: String) -> EditValue {
        setOpen()
        return object(name)
    }

    private mutating func setOpen() {
        let any: EditValue = ["rule": "RunAsAny"]
        spec = ["seLinux": any, "runAsUser": any, "supplementalGroups": any, "fsGroup": any]
        for field in ["privileged", "hostNetwork", "hostPID", "hostIPC"] { spec[field] = true }
        spec["volumes"] = ["*"]
        spec["hostPorts"] = [["min": 0, "max": 65535]]
        spec["allowedCapabilities"] = ["*"]
        spec["allowedUnsafeSysctls"] = ["*"]
        spec["allowedProcMountTypes"] = ["Default", "Unmasked"]
        annotations = [Self.seccomp + "allowedProfileNames": "*"]
    }

    private func object(_ name: String) -> EditValue {
        var metadata: [String: EditValue] = ["name": .string(name)]
        if !annotations.isEmpty { metadata["annotations"] = annotations.edit }
        return [
            "apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": metadata.edit, "spec": spec.edit,
        ]
    }

    private static let seccomp = "seccomp.security.alpha.kubernetes.io/"
    private static let appArmor = "apparmor.security.beta.kubernetes.io/"

    private mutating func restrict() {
        switch Int.random(in: 0..<24, using: &dice) {
        case 0:
            for field in ["privileged", "hostNetwork", "hostPID", "hostIPC"] { spec[field] = .bool(dice.rolls(30)) }
        case 1, 2: restrictCapabilities()
        case 3: restrictVolumes()
        case 4:
            spec["hostPorts"] = dice.one(of: [
                [], [["min": 80, "max": 80]], [["min": 80, "max": 443], ["min": 9000, "max": 9090]],
            ])
        case 5: setSELinux()
        case 6, 7: setUser()
        case 8: spec["runAsGroup"] = group(mayBeUnusable: false)
        case 9, 10: spec["supplementalGroups"] = group()
        case 11, 12: spec["fsGroup"] = group()
        case 13: spec["readOnlyRootFilesystem"] = .bool(dice.rolls(80))
        case 14:
            spec["allowPrivilegeEscalation"] = false
            if dice.rolls(40) {
                spec["defaultAllowPrivilegeEscalation"] = false
            } else {
                spec["defaultAllowPrivilegeEscalation"] = nil
            }
        case 15:
            if spec["allowPrivilegeEscalation"] == nil {
                spec["defaultAllowPrivilegeEscalation"] = .bool(dice.rolls(50))
            }
        case 16: spec["allowedHostPaths"] = .array(hostPaths())
        case 17: spec["allowedFlexVolumes"] = .array(dice.some(of: Pool.drivers, 1...2).map { ["driver": .string($0)] })
        case 18: spec["allowedCSIDrivers"] = .array(dice.some(of: Pool.csiDrivers, 1...2).map { ["name": .string($0)] })
        case 19: setSysctls()
        case 20: spec["allowedProcMountTypes"] = dice.one(of: [[], ["Default"], ["Unmasked"]])
        case 21: setRuntimeClass()
        case 22: setSeccomp()
        default: setAppArmor()
        }
    }

    private mutating func restrictCapabilities() {
        let names = Pool.capabilities.shuffled(using: &dice)
        let allowsAll = dice.rolls(15)
        spec["allowedCapabilities"] = allowsAll ? ["*"] : Array(names[0..<Int.random(in: 0...2, using: &dice)]).edit
        spec["defaultAddCapabilities"] = Array(names[2..<2 + Int.random(in: 0...2, using: &dice)]).edit
        spec["requiredDropCapabilities"] =
            allowsAll ? [] : Array(names[4..<4 + Int.random(in: 0...3, using: &dice)]).edit
    }

    private mutating func restrictVolumes() {
        let names =
            Pool.volumes.map { $0.type == "cephfs" ? "cephFS" : $0.type } + [
                "hostPath", "flexVolume", "csi", "projected",
            ]
        spec["volumes"] = dice.some(of: names, 0...20).edit
        if dice.rolls(30) { spec["volumes"] = ["secret", "configMap", "emptyDir"] }
    }

    private mutating func ranges() -> EditValue {
        .array(
            (0..<Int.random(in: 1...2, using: &dice)).map { _ in
                let ends = [dice.one(of: Pool.ids), dice.one(of: Pool.ids)].sorted()
                return ["min": ends[0].edit, "max": ends[1].edit]
            })
    }

    private mutating func setSELinux() {
        let options = dice.one(of: Pool.seLinux)
        spec["seLinux"] = ["rule": "MustRunAs", "seLinuxOptions": options]
        if dice.rolls(10) { spec["seLinux"] = ["rule": "MustRunAs"] }
    }

    private mutating func setUser() {
        switch dice.one(of: [0, 1, 1, 2, 2]) {
        case 0: spec["runAsUser"] = ["rule": "RunAsAny"]
        case 1: spec["runAsUser"] = ["rule": "MustRunAsNonRoot"]
        default:
            spec["runAsUser"] =
                dice.rolls(8) ? ["rule": "MustRunAs"] : ["rule": "MustRunAs", "ranges": ranges()]
        }
    }

    private mutating func group(mayBeUnusable: Bool = true) -> EditValue {
        let rule = dice.one(of: ["MustRunAs", "MustRunAs", "MayRunAs", "RunAsAny"])
        if rule == "RunAsAny" || (mayBeUnusable && dice.rolls(5)) { return ["rule": .string(rule)] }
        return ["rule": .string(rule), "ranges": ranges()]
    }

    private mutating func hostPaths() -> [EditValue] {
        dice.some(of: Pool.hostPaths, 1...3).map {
            ["pathPrefix": .string($0), "readOnly": .bool(dice.rolls(50))]
        }
    }

    private mutating func setSysctls() {
        let names = Pool.sysctls.shuffled(using: &dice)
        spec["allowedUnsafeSysctls"] =
            dice.one(of: [[], ["net.core.*"], ["kernel.sem", "kernel.msgmax"], names[0..<1].map { $0 }]).edit
        spec["forbiddenSysctls"] =
            dice.one(of: [[], ["net.ipv4.*"], ["kernel.shm_rmid_forced"], ["net.ipv4.tcp_syncookies"]]).edit
        if dice.rolls(15) {
            spec["allowedUnsafeSysctls"] = []
            spec["forbiddenSysctls"] = ["*"]
        }
        // What is allowed and forbidden must not overlap.
        if names[0].hasPrefix("net.ipv4.") || names[0] == "kernel.shm_rmid_forced",
            spec["allowedUnsafeSysctls"] == [.string(names[0])]
        {
            spec["forbiddenSysctls"] = []
        }
    }

    private mutating func setRuntimeClass() {
        var allowed = dice.one(of: [["*"], [], ["gvisor"], ["kata", "gvisor"]])
        var rule: [String: EditValue] = [:]
        if dice.rolls(50) {
            let name = dice.one(of: Pool.runtimeClasses)
            rule["defaultRuntimeClassName"] = .string(name)
            if allowed != ["*"], !allowed.contains(name) { allowed.append(name) }
        }
        rule["allowedRuntimeClassNames"] = allowed.edit
        spec["runtimeClass"] = rule.edit
    }

    private mutating func setSeccomp() {
        let names: String? = dice.one(of: [
            nil, "*", "runtime/default", "docker/default", "localhost/a.json,runtime/default", "unconfined", "",
        ])
        annotations[Self.seccomp + "allowedProfileNames"] = names.map(EditValue.string)
        annotations[Self.seccomp + "defaultProfileName"] =
            dice.rolls(60) ? .string(dice.one(of: Pool.seccomp)) : nil
    }

    private mutating func setAppArmor() {
        let names: String? = dice.one(of: [
            nil, "runtime/default", "localhost/x,runtime/default", "unconfined", "", "runtime/default,",
        ])
        annotations[Self.appArmor + "allowedProfileNames"] = names.map(EditValue.string)
        annotations[Self.appArmor + "defaultProfileName"] =
            dice.rolls(60) ? .string(dice.one(of: Pool.appArmor)) : nil
    }
}
