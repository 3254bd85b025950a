// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Makes pods that set a few of the fields that PodSecurityPolicies control. Not each is valid: an API server may
/// refuse one after admission.
struct PodMaker {
    private struct Box {
        var name: String
        var security: [String: EditValue]?
        var ports: [EditValue] = []
        var mounts: [EditValue] = []
    }

    private var dice: Dice
    private var annotations: [String: EditValue] = [:]
    private var spec: [String: EditValue] = [:]
    private var security: [String: EditValue]?
    private var volumes: [EditValue] = []
    /// Initial containers first.
    private var boxes: [Box] = []

    init(seed: UInt64) { dice = Dice(seed: seed) }

    mutating func pod(named name: String) -> EditValue {
        (annotations, spec, security, volumes) = ([:], [:], nil, [])
        let initial = dice.rolls(30) ? Int.random(in: 1...2, using: &dice) : 0
        let main = dice.rolls(60) ? 1 : Int.random(in: 2...3, using: &dice)
        boxes = (0..<initial + main).map { Box(name: $0 < initial ? "init-\($0)" : "box-\($0 - initial)") }
        if dice.rolls(30) { security = [:] }
        for _ in 0..<dice.one(of: [0, 1, 1, 2, 2, 3, 3, 4, 5, 7]) { setSomething() }
        if dice.rolls(40) { spec["serviceAccountName"] = .string(dice.one(of: ["builder", "runner", "nobody"])) }
        spec["containers"] = .array(boxes[initial...].map(Self.container))
        if initial > 0 { spec["initContainers"] = .array(boxes[..<initial].map(Self.container)) }
        if let security { spec["securityContext"] = security.edit }
        if !volumes.isEmpty { spec["volumes"] = .array(volumes) }
        var metadata: [String: EditValue] = ["name": .string(name)]
        if !annotations.isEmpty || dice.rolls(10) { metadata["annotations"] = annotations.edit }
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata.edit, "spec": spec.edit]
    }

    private static func container(_ box: Box) -> EditValue {
        var container: [String: EditValue] = ["name": .string(box.name), "image": "example.com/image:1"]
        if let security = box.security { container["securityContext"] = security.edit }
        if !box.ports.isEmpty { container["ports"] = .array(box.ports) }
        if !box.mounts.isEmpty { container["volumeMounts"] = .array(box.mounts) }
        return container.edit
    }

    private mutating func setSomething() {
        switch Int.random(in: 0..<24, using: &dice) {
        case 0: ofBox("privileged", .bool(dice.rolls(70)))
        case 1, 2: ofBox("capabilities", capabilities())
        case 3: spec[dice.one(of: ["hostNetwork", "hostPID", "hostIPC"])] = .bool(dice.rolls(80))
        case 4: addPort()
        case 5: ofAny("seLinuxOptions", dice.one(of: Pool.seLinux))
        case 6: ofAny("runAsUser", dice.one(of: Pool.ids).edit)
        case 7: ofAny("runAsGroup", dice.one(of: Pool.ids).edit)
        case 8: ofAny("runAsNonRoot", .bool(dice.rolls(60)))
        case 9: ofPod("fsGroup", dice.one(of: Pool.ids).edit)
        case 10: ofPod("supplementalGroups", .array(dice.some(of: Pool.ids, 0...3).map(\.edit)))
        case 11: ofBox("readOnlyRootFilesystem", .bool(dice.rolls(70)))
        case 12, 13: ofBox("allowPrivilegeEscalation", .bool(dice.rolls(40)))
        case 14: addSysctls()
        case 15: ofBox("procMount", .string(dice.one(of: Pool.procMounts)))
        case 16: spec["runtimeClassName"] = .string(dice.one(of: Pool.runtimeClasses))
        case 17: setSeccomp()
        case 18: setAppArmor()
        case 19: addHostPath()
        case 20: addDriver()
        case 21: addVolume("projected", dice.one(of: Pool.projections))
        case 22: if dice.rolls(30) { annotations["kubernetes.io/psp"] = "policy-03" }
        default:
            let (type, source) = dice.one(of: Pool.volumes)
            addVolume(type, source)
        }
    }

    // MARK: Where

    private mutating func ofPod(_ field: String, _ value: EditValue) {
        security = (security ?? [:]).merging([field: value]) { $1 }
    }

    private mutating func ofBox(_ field: String, _ value: EditValue) {
        // Mostly one container; now and then each.
        let index = dice.rolls(30) ? nil : Int.random(in: boxes.indices, using: &dice)
        for box in boxes.indices where index == nil || box == index {
            boxes[box].security = (boxes[box].security ?? [:]).merging([field: value]) { $1 }
        }
    }

    private mutating func ofAny(_ field: String, _ value: EditValue) {
        if dice.rolls(50) { ofPod(field, value) } else { ofBox(field, value) }
    }

    // MARK: What

    private mutating func capabilities() -> EditValue {
        var value: [String: EditValue] = [:]
        if dice.rolls(60) { value["add"] = dice.some(of: Pool.capabilities, 0...3).edit }
        if dice.rolls(60) { value["drop"] = dice.some(of: Pool.capabilities + ["KILL"], 0...4).edit }
        return value.edit
    }

    private mutating func addPort() {
        let box = Int.random(in: boxes.indices, using: &dice)
        var port: [String: EditValue] = ["containerPort": dice.one(of: Pool.ports).edit]
        if dice.rolls(70) {
            port["hostPort"] = spec["hostNetwork"] == true ? port["containerPort"] : dice.one(of: Pool.ports).edit
        }
        boxes[box].ports.append(port.edit)
    }

    private mutating func addSysctls() {
        let names = dice.some(of: Pool.sysctls, 1...3)
        ofPod("sysctls", .array(names.map { ["name": .string($0), "value": "1"] }))
    }

    private mutating func setSeccomp() {
        switch dice.one(of: [0, 1, 2]) {
        case 0:
            let fields: [EditValue] = [
                ["type": "RuntimeDefault"], ["type": "Unconfined"],
                ["type": "Localhost", "localhostProfile": "a.json"],
                ["type": "Localhost", "localhostProfile": "b/c.json"],
            ]
            ofAny("seccompProfile", dice.one(of: fields))
        case 1: annotations["seccomp.security.alpha.kubernetes.io/pod"] = .string(dice.one(of: Pool.seccomp))
        default:
            let box = dice.one(of: boxes)
            annotations["container.seccomp.security.alpha.kubernetes.io/\(box.name)"] =
                .string(dice.one(of: Pool.seccomp))
        }
    }

    private mutating func setAppArmor() {
        for box in boxes where dice.rolls(60) {
            annotations["container.apparmor.security.beta.kubernetes.io/\(box.name)"] =
                .string(dice.one(of: Pool.appArmor))
        }
    }

    private mutating func addVolume(_ type: String, _ source: EditValue) {
        let name = "volume-\(volumes.count)"
        // A volume without a source is an empty directory.
        volumes.append(
            type == "emptyDir" && dice.rolls(50)
                ? ["name": .string(name)] : .object([("name", .string(name)), (type, source)]))
    }

    private mutating func addHostPath() {
        let name = "volume-\(volumes.count)"
        addVolume("hostPath", ["path": .string(dice.one(of: Pool.hostPaths))])
        for box in boxes.indices where dice.rolls(60) {
            var mount: [String: EditValue] = [
                "name": .string(name), "mountPath": .string("/mnt/\(boxes[box].mounts.count)"),
            ]
            if dice.rolls(60) { mount["readOnly"] = .bool(dice.rolls(80)) }
            boxes[box].mounts.append(mount.edit)
        }
    }

    private mutating func addDriver() {
        if dice.rolls(50) {
            addVolume("flexVolume", ["driver": .string(dice.one(of: Pool.drivers))])
        } else {
            addVolume("csi", ["driver": .string(dice.one(of: Pool.csiDrivers))])
        }
    }
}
