// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What pod policies judge of a pod: every field that a Pod Security Standard or a PodSecurityPolicy looks at, and no
/// other. A value, so that a policy can fill in its defaults and the difference becomes a patch. Nil is "not set".
package struct Pod: Sendable, Equatable {
    package var namespace = ""
    package var name = ""
    package var generateName = ""
    package var annotations: [String: String] = [:]
    /// `spec.serviceAccountName`, or the older `serviceAccount`; empty when unset.
    package var serviceAccountName = ""
    package var nodeName = ""
    package var runtimeClassName: String?
    package var hostNetwork = false
    package var hostPID = false
    package var hostIPC = false
    package var hostUsers: Bool?
    package var shareProcessNamespace: Bool?
    /// `spec.os.name`: `linux`, `windows`.
    package var osName: String?
    /// Nil when the pod has no `securityContext`.
    package var security: PodSecurityContext?
    package var volumes: [Volume] = []
    package var initContainers: [Container] = []
    package var containers: [Container] = []
    package var ephemeralContainers: [Container] = []

    package init() {}

    /// Initial, main, ephemeral: the order in which containers are judged.
    package var allContainers: [Container] { initContainers + containers + ephemeralContainers }
    package var isWindows: Bool { osName == "windows" }
}

package struct PodSecurityContext: Sendable, Equatable {
    package var seLinux: SELinuxOptions?
    package var windows: WindowsOptions?
    package var runAsUser: Int?
    package var runAsGroup: Int?
    package var runAsNonRoot: Bool?
    package var supplementalGroups: [Int]?
    package var fsGroup: Int?
    package var sysctls: [Sysctl] = []
    package var seccomp: Profile?
    package var appArmor: Profile?

    package init() {}
}

package struct Container: Sendable, Equatable {
    package enum Role: String, Sendable, CaseIterable {
        case initial = "initContainers"
        case main = "containers"
        case ephemeral = "ephemeralContainers"
    }

    package var role: Role
    /// Its place in its list.
    package var index: Int
    package var name = ""
    package var image = ""
    /// Nil when the container has no `securityContext`.
    package var security: SecurityContext?
    package var ports: [Port] = []
    package var volumeMounts: [VolumeMount] = []
    /// Hosts that probes and lifecycle handlers name.
    package var handlerHosts: [HandlerHost] = []

    package init(role: Role, index: Int, name: String = "") {
        self.role = role
        self.index = index
        self.name = name
    }

    /// `spec.containers[0]`
    package var path: String { "spec.\(role.rawValue)[\(index)]" }
}

package struct SecurityContext: Sendable, Equatable {
    package var capabilities: Capabilities?
    package var privileged: Bool?
    package var seLinux: SELinuxOptions?
    package var windows: WindowsOptions?
    package var runAsUser: Int?
    package var runAsGroup: Int?
    package var runAsNonRoot: Bool?
    package var readOnlyRootFilesystem: Bool?
    package var allowPrivilegeEscalation: Bool?
    package var procMount: String?
    package var seccomp: Profile?
    package var appArmor: Profile?

    package init() {}
}

package struct Capabilities: Sendable, Equatable {
    package var add: [String] = []
    package var drop: [String] = []

    package init(add: [String] = [], drop: [String] = []) {
        self.add = add
        self.drop = drop
    }
}

package struct SELinuxOptions: Sendable, Equatable {
    package var user = ""
    package var role = ""
    package var type = ""
    package var level = ""

    package init(user: String = "", role: String = "", type: String = "", level: String = "") {
        self.user = user
        self.role = role
        self.type = type
        self.level = level
    }
}

/// A seccomp or AppArmor profile.
package struct Profile: Sendable, Equatable {
    /// `RuntimeDefault`, `Localhost`, `Unconfined`; empty when the object has none.
    package var type: String
    package var localhostProfile: String?

    package init(type: String, localhostProfile: String? = nil) {
        self.type = type
        self.localhostProfile = localhostProfile
    }
}

package struct WindowsOptions: Sendable, Equatable {
    package var hostProcess: Bool?
    package var runAsUserName: String?

    package init(hostProcess: Bool? = nil, runAsUserName: String? = nil) {
        self.hostProcess = hostProcess
        self.runAsUserName = runAsUserName
    }
}

package struct Sysctl: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(name: String, value: String = "") {
        self.name = name
        self.value = value
    }
}

package struct Port: Sendable, Equatable {
    package var name = ""
    package var containerPort = 0
    package var hostPort = 0
    package var hostIP = ""
    package var `protocol` = ""

    package init() {}
}

package struct VolumeMount: Sendable, Equatable {
    package var name = ""
    package var mountPath = ""
    package var readOnly = false

    package init() {}
}

package struct HandlerHost: Sendable, Equatable {
    /// Within the container: `livenessProbe.httpGet.host`.
    package var path: String
    package var host: String

    package init(path: String, host: String) {
        self.path = path
        self.host = host
    }
}

package struct Volume: Sendable, Equatable {
    package var name = ""
    /// The key that the source stands under: `hostPath`, `configMap`, `csi`. Empty when there is none (an emptyDir, to
    /// the API server).
    package var type = ""
    /// Further source keys, where a hostile volume names several.
    package var otherTypes: [String] = []
    /// `hostPath.path`
    package var hostPath = ""
    /// `flexVolume.driver` or `csi.driver`
    package var driver = ""
    /// For `projected`: the keys of its sources, in order.
    package var projectedSources: [String] = []
    /// For `projected`: whether it holds what the service account's mount holds and nothing else.
    package var isServiceAccountProjection = false

    package init() {}
}
