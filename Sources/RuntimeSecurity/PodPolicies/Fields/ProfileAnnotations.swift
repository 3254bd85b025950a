// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The annotations in which pods named their profiles before there were fields for it. PodSecurityPolicy judges these.
enum ProfileAnnotation {
    static let seccompOfPod = "seccomp.security.alpha.kubernetes.io/pod"

    static func seccomp(ofContainer name: String) -> String {
        "container.seccomp.security.alpha.kubernetes.io/" + name
    }

    static func appArmor(ofContainer name: String) -> String {
        "container.apparmor.security.beta.kubernetes.io/" + name
    }
}

extension Profile {
    /// How a seccomp annotation writes this profile; empty for a profile without a type or a file.
    var seccompAnnotation: String {
        switch type {
        case "RuntimeDefault": "runtime/default"
        case "Unconfined": "unconfined"
        case "Localhost": localhostProfile.map { "localhost/" + $0 } ?? ""
        default: ""
        }
    }

    /// How an AppArmor annotation writes this profile.
    var appArmorAnnotation: String {
        type == "Localhost" ? "localhost/" + (localhostProfile ?? "") : seccompAnnotation
    }

    /// Reads a seccomp annotation; nil for what names no profile.
    init?(seccompAnnotation text: String) {
        switch text {
        case "runtime/default", "docker/default": self.init(type: "RuntimeDefault")
        case "unconfined": self.init(type: "Unconfined")
        default:
            let prefix = "localhost/"
            guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count else { return nil }
            self.init(type: "Localhost", localhostProfile: String(text.dropFirst(prefix.count)))
        }
    }
}

extension Pod {
    /// The pod's own seccomp profile as an annotation writes it; the annotation counts before the field.
    var seccompOfPod: String {
        if let text = annotations[ProfileAnnotation.seccompOfPod], !text.isEmpty { return text }
        return security?.seccomp?.seccompAnnotation ?? ""
    }

    /// The seccomp profile of a container as an annotation writes it: its field, its annotation, the pod's field, the
    /// pod's annotation, whichever is there first.
    func seccomp(of container: Container) -> String {
        if let own = container.security?.seccomp { return own.seccompAnnotation }
        if let own = annotations[ProfileAnnotation.seccomp(ofContainer: container.name)] { return own }
        if let pod = security?.seccomp { return pod.seccompAnnotation }
        return annotations[ProfileAnnotation.seccompOfPod] ?? ""
    }

    /// The AppArmor profile of a container as its annotation writes it. PodSecurityPolicy knew the annotation alone;
    /// the fields of later versions count where they are set.
    func appArmor(of container: Container) -> String {
        if let own = container.security?.appArmor { return own.appArmorAnnotation }
        if let text = annotations[ProfileAnnotation.appArmor(ofContainer: container.name)], !text.isEmpty {
            return text
        }
        return security?.appArmor?.appArmorAnnotation ?? ""
    }

    /// The pod with a seccomp field for every seccomp annotation that has none. API servers from 1.19 to 1.26 did this
    /// to every pod before they validated it; later ones ignore the annotations, and a pod would run unconfined.
    func withSeccompFields() -> Pod {
        var pod = self
        if let text = annotations[ProfileAnnotation.seccompOfPod], security?.seccomp == nil,
            let profile = Profile(seccompAnnotation: text)
        {
            pod.security = pod.security ?? PodSecurityContext()
            pod.security?.seccomp = profile
        }
        pod.changeContainers { container in
            guard container.security?.seccomp == nil,
                let text = annotations[ProfileAnnotation.seccomp(ofContainer: container.name)],
                let profile = Profile(seccompAnnotation: text)
            else { return }
            container.security = container.security ?? SecurityContext()
            container.security?.seccomp = profile
        }
        return pod
    }

    /// The pod with the seccomp annotation that those API servers gave a pod whose field is set.
    func withSeccompAnnotation() -> Pod {
        guard annotations[ProfileAnnotation.seccompOfPod] == nil, let field = security?.seccomp,
            !field.seccompAnnotation.isEmpty
        else { return self }
        var pod = self
        pod.annotations[ProfileAnnotation.seccompOfPod] = field.seccompAnnotation
        return pod
    }

    /// Changes each container in the order in which they are judged.
    mutating func changeContainers(_ change: (inout Container) -> Void) {
        for index in initContainers.indices { change(&initContainers[index]) }
        for index in containers.indices { change(&containers[index]) }
        for index in ephemeralContainers.indices { change(&ephemeralContainers[index]) }
    }
}
