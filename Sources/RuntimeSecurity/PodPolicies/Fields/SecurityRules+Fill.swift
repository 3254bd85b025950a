// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension SecurityRules {
    /// The pod with the policy's defaults in what it leaves open; the same pod when there is nothing to fill in.
    func filled(_ pod: Pod) -> Pod {
        var pod = pod
        fillPod(&pod)
        let security = pod.security
        pod.changeContainers { container in fill(&container, under: security) }
        guard !defaultAppArmorProfile.isEmpty else { return pod }
        for container in pod.allContainers where pod.appArmor(of: container).isEmpty {
            pod.annotations[ProfileAnnotation.appArmor(ofContainer: container.name)] = defaultAppArmorProfile
        }
        return pod
    }

    private func fillPod(_ pod: inout Pod) {
        var security = pod.security ?? PodSecurityContext()
        // An empty list is an answer, unlike an absent one; MustRunAs then refuses it.
        if security.supplementalGroups == nil, let group = supplementalGroups.fillIn {
            security.supplementalGroups = [group]
        }
        if security.fsGroup == nil { security.fsGroup = fsGroup.fillIn }
        if security.seLinux == nil, seLinux == .mustRunAs { security.seLinux = seLinuxOptions }
        // Only for the pod: containers inherit it, and one with another profile is judged by that.
        let seccomp = pod.seccompOfPod
        let profile = seccomp.isEmpty && pod.security?.seccomp == nil ? defaultSeccompProfile : seccomp
        if !profile.isEmpty { pod.annotations[ProfileAnnotation.seccompOfPod] = profile }
        if pod.security != nil || security != PodSecurityContext() { pod.security = security }
        if pod.runtimeClassName == nil { pod.runtimeClassName = runtimeClass?.defaultName }
    }

    private func fill(_ container: inout Container, under pod: PodSecurityContext?) {
        var security = container.security ?? SecurityContext()
        if security.runAsUser == nil, pod?.runAsUser == nil, runAsUser == .mustRunAs {
            security.runAsUser = runAsUserRanges.first?.min
        }
        if security.runAsGroup == nil, pod?.runAsGroup == nil { security.runAsGroup = runAsGroup?.fillIn }
        if security.seLinux == nil, pod?.seLinux == nil, seLinux == .mustRunAs { security.seLinux = seLinuxOptions }
        // Where neither says a user, the kubelet is asked to look at the image's.
        if runAsUser == .mustRunAsNonRoot, security.runAsNonRoot == nil, pod?.runAsNonRoot == nil,
            security.runAsUser == nil, pod?.runAsUser == nil
        {
            security.runAsNonRoot = true
        }
        if let capabilities = filled(security.capabilities) { security.capabilities = capabilities }
        if readOnlyRootFilesystem, security.readOnlyRootFilesystem == nil { security.readOnlyRootFilesystem = true }
        if security.allowPrivilegeEscalation == nil {
            security.allowPrivilegeEscalation =
                defaultAllowPrivilegeEscalation ?? (allowPrivilegeEscalation == false ? false : nil)
        }
        if container.security != nil || security != SecurityContext() { container.security = security }
    }

    /// A container's capabilities with the defaults added, but for those that it drops, and with the required drops;
    /// sorted. Nil when that changes nothing.
    private func filled(_ own: Capabilities?) -> Capabilities? {
        guard !defaultAddCapabilities.isEmpty || !requiredDropCapabilities.isEmpty else { return nil }
        let ownAdd = Set(own?.add ?? [])
        let ownDrop = Set(own?.drop ?? [])
        let add = Set(defaultAddCapabilities).subtracting(ownDrop).union(ownAdd)
        let drop = Set(requiredDropCapabilities).union(ownDrop)
        guard add.count != ownAdd.count || drop.count != ownDrop.count else { return nil }
        return Capabilities(add: add.sortedByBytes(), drop: drop.sortedByBytes())
    }
}

extension SecurityRules.Groups {
    /// The group that is filled in where a pod names none.
    var fillIn: Int? { rule == .mustRunAs ? ranges.first?.min : nil }

    func contains(_ group: Int) -> Bool { ranges.contains { $0.contains(group) } }
}

extension Sequence where Element == String {
    /// As the API server sorts texts: by their bytes.
    func sortedByBytes() -> [String] { sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
}
