// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension PodSecurityStandard {
    /// Why the standard does not accept the pod; empty when it does. Paths are the pod's own.
    package func violations(in pod: Pod) -> [Violation] {
        guard level != .privileged else { return [] }
        return StandardJudge(pod: pod, standard: self).judged()
    }
}

extension PodSecurityStandard.Version {
    /// The newest version whose standards are known here. Whatever is newer behaves like it.
    package static let newestKnown = 37

    /// N of `v1.N`, at most the newest known.
    var known: Int {
        switch self {
        case .latest: Self.newestKnown
        case .minor(let minor): min(minor, Self.newestKnown)
        }
    }
}

/// Goes through the controls of one standard and collects what is wrong. A control whose rule changed names the version
/// from which on it holds (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
struct StandardJudge {
    let pod: Pod
    let isRestricted: Bool
    /// N of `v1.N`
    let minor: Int
    private var found: [Violation] = []

    init(pod: Pod, standard: PodSecurityStandard) {
        self.pod = pod
        isRestricted = standard.level == .restricted
        minor = standard.version.known
    }

    /// The whole pod first, then its containers in the order in which they start.
    consuming func judged() -> [Violation] {
        judgePod()
        for container in pod.initContainers { judge(container) }
        for container in pod.containers { judge(container) }
        for container in pod.ephemeralContainers { judge(container) }
        return found
    }

    private mutating func judgePod() {
        hostNamespaces()
        volumes()
        if let security = pod.security {
            hostProcess(security.windows, nil)
            seLinux(security.seLinux, nil)
            if let profile = security.appArmor { appArmor(profile, nil) }
            if minor >= 19, let profile = security.seccomp { seccomp(profile, nil) }
            sysctls(security.sysctls)
            if isRestricted { users(security.runAsNonRoot, security.runAsUser, nil) }
        }
        annotations()
    }

    private mutating func judge(_ container: Container) {
        let security = container.security
        hostPorts(container)
        if minor >= 34 { handlerHosts(container) }
        if let security {
            privileged(security, container)
            hostProcess(security.windows, container)
            seLinux(security.seLinux, container)
            if let profile = security.appArmor { appArmor(profile, container) }
            procMount(security, container)
        }
        if minor >= 19 {
            if let profile = security?.seccomp {
                seccomp(profile, container)
            } else if isRestricted {
                missingSeccomp(container)
            }
        }
        if isRestricted, minor >= 22 {
            restrictedCapabilities(security?.capabilities, container)
        } else {
            baselineCapabilities(security?.capabilities, container)
        }
        if isRestricted {
            users(security?.runAsNonRoot, security?.runAsUser, container)
            if minor >= 8 { privilegeEscalation(security, container) }
        }
    }

    /// User namespaces keep the root and the whole /proc of a pod away from the node's.
    var hasOwnUsers: Bool { minor >= 35 && pod.hostUsers == false }
    /// Windows knows no Linux fields, so since 1.25 restricted does not ask for them there.
    var isWindows: Bool { minor >= 25 && pod.isWindows }

    /// `field` stands in the container, or in the pod when there is none.
    mutating func refuse(
        _ control: String, _ container: Container?, _ field: String, value: EditValue? = nil, _ message: String,
        remedy: String
    ) {
        let path = container.map { "\($0.path).\(field)" } ?? "spec.\(field)"
        refuse(control, container, path: path, value: value, message, remedy: remedy)
    }

    mutating func refuse(
        _ control: String, _ container: Container?, path: String, value: EditValue? = nil, _ message: String,
        remedy: String
    ) {
        // Nobody reads more, and ten thousand containers must cost no more than the rest.
        guard found.count < RulesJudge.maxViolations else { return }
        found.append(
            Violation(
                control, container: container?.name ?? "", path: path, value: value.map { $0.json.cut(to: 200) } ?? "",
                message: message, remedy: remedy))
    }
}
