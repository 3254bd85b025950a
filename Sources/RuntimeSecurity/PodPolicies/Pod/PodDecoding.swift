// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension Pod {
    /// Reads a Pod object. A known field of a wrong type is an error whose path starts at `object`; null is unset.
    package init(_ object: Node) throws(PodFieldError) {
        try self.init(template: object, base: object)
    }

    /// Reads a template, `{metadata, spec}`, as the pod that it makes in `namespace`.
    package init(template: Node, namespace: String) throws(PodFieldError) {
        try self.init(template: template, base: template)
        self.namespace = namespace
    }

    /// `base` is where the paths of errors start.
    init(template: Node, base: Node) throws(PodFieldError) {
        self.init()
        do throws(PodFieldError) {
            try read(template)
        } catch {
            throw error.below(base)
        }
    }

    private mutating func read(_ object: Node) throws(PodFieldError) {
        guard object.isObject else { throw PodFieldError(object, expected: "an object") }
        if let metadata = object["metadata"] { try readMetadata(metadata) }
        guard let spec = object["spec"], !spec.isNull else {
            let path = object.path(below: object.document.root)
            throw PodFieldError(
                path: path.isEmpty ? "spec" : path + ".spec", message: "must be an object and is missing")
        }
        try readSpec(spec)
    }

    private mutating func readMetadata(_ metadata: Node) throws(PodFieldError) {
        for (key, value) in try metadata.fields() {
            switch key {
            case "name": name = try value.text() ?? ""
            case "namespace": namespace = try value.text() ?? ""
            case "generateName": generateName = try value.text() ?? ""
            case "annotations":
                let members = try value.fields()
                annotations.reserveCapacity(members.underestimatedCount)
                for (key, value) in members { annotations[key.string] = try value.text() ?? "" }
            default: break
            }
        }
    }

    private mutating func readSpec(_ spec: Node) throws(PodFieldError) {
        var olderServiceAccount = ""
        for (key, value) in try spec.fields() {
            switch key {
            case "containers": containers = try Self.containers(value, .main)
            case "volumes":
                let list = try value.list()
                volumes.reserveCapacity(list.underestimatedCount)
                for element in list { volumes.append(try Volume(element)) }
            case "serviceAccountName": serviceAccountName = try value.text() ?? ""
            case "serviceAccount": olderServiceAccount = try value.text() ?? ""
            case "nodeName": nodeName = try value.text() ?? ""
            case "securityContext": security = value.isNull ? nil : try PodSecurityContext(value)
            case "initContainers": initContainers = try Self.containers(value, .initial)
            case "ephemeralContainers": ephemeralContainers = try Self.containers(value, .ephemeral)
            case "hostNetwork": hostNetwork = try value.flag() ?? false
            case "hostPID": hostPID = try value.flag() ?? false
            case "hostIPC": hostIPC = try value.flag() ?? false
            case "hostUsers": hostUsers = try value.flag()
            case "shareProcessNamespace": shareProcessNamespace = try value.flag()
            case "runtimeClassName": runtimeClassName = try value.text()
            case "os":
                for (key, value) in try value.fields() where key == "name" { osName = try value.text() }
            default: break
            }
        }
        if serviceAccountName.isEmpty { serviceAccountName = olderServiceAccount }
    }

    private static func containers(_ node: Node, _ role: Container.Role) throws(PodFieldError) -> [Container] {
        let list = try node.list()
        var containers: [Container] = []
        containers.reserveCapacity(list.underestimatedCount)
        for element in list { containers.append(try Container(element, role, containers.count)) }
        return containers
    }
}

extension PodSecurityContext {
    init(_ node: Node) throws(PodFieldError) {
        self.init()
        for (key, value) in try node.fields() {
            switch key {
            case "seLinuxOptions": seLinux = try SELinuxOptions(value)
            case "windowsOptions": windows = try WindowsOptions(value)
            case "runAsUser": runAsUser = try value.whole()
            case "runAsGroup": runAsGroup = try value.whole()
            case "runAsNonRoot": runAsNonRoot = try value.flag()
            case "supplementalGroups": supplementalGroups = value.isNull ? nil : try value.wholes()
            case "fsGroup": fsGroup = try value.whole()
            case "seccompProfile": seccomp = try Profile(value)
            case "appArmorProfile": appArmor = try Profile(value)
            case "sysctls":
                for element in try value.list() {
                    var sysctl = Sysctl(name: "")
                    for (key, value) in try element.element() {
                        switch key {
                        case "name": sysctl.name = try value.text() ?? ""
                        case "value": sysctl.value = try value.text() ?? ""
                        default: break
                        }
                    }
                    sysctls.append(sysctl)
                }
            default: break
            }
        }
    }
}

extension SecurityContext {
    init(_ node: Node) throws(PodFieldError) {
        self.init()
        for (key, value) in try node.fields() {
            switch key {
            case "capabilities": capabilities = try Capabilities(value)
            case "privileged": privileged = try value.flag()
            case "seLinuxOptions": seLinux = try SELinuxOptions(value)
            case "windowsOptions": windows = try WindowsOptions(value)
            case "runAsUser": runAsUser = try value.whole()
            case "runAsGroup": runAsGroup = try value.whole()
            case "runAsNonRoot": runAsNonRoot = try value.flag()
            case "readOnlyRootFilesystem": readOnlyRootFilesystem = try value.flag()
            case "allowPrivilegeEscalation": allowPrivilegeEscalation = try value.flag()
            case "procMount": procMount = try value.text()
            case "seccompProfile": seccomp = try Profile(value)
            case "appArmorProfile": appArmor = try Profile(value)
            default: break
            }
        }
    }
}

// The options below are nil when null.

extension Capabilities {
    init?(_ node: Node) throws(PodFieldError) {
        if node.isNull { return nil }
        self.init()
        for (key, value) in try node.fields() {
            switch key {
            case "add": add = try value.texts()
            case "drop": drop = try value.texts()
            default: break
            }
        }
    }
}

extension SELinuxOptions {
    init?(_ node: Node) throws(PodFieldError) {
        if node.isNull { return nil }
        self.init()
        for (key, value) in try node.fields() {
            switch key {
            case "user": user = try value.text() ?? ""
            case "role": role = try value.text() ?? ""
            case "type": type = try value.text() ?? ""
            case "level": level = try value.text() ?? ""
            default: break
            }
        }
    }
}

extension Profile {
    init?(_ node: Node) throws(PodFieldError) {
        if node.isNull { return nil }
        self.init(type: "")
        for (key, value) in try node.fields() {
            switch key {
            case "type": type = try value.text() ?? ""
            case "localhostProfile": localhostProfile = try value.text()
            default: break
            }
        }
    }
}

extension WindowsOptions {
    init?(_ node: Node) throws(PodFieldError) {
        if node.isNull { return nil }
        self.init()
        for (key, value) in try node.fields() {
            switch key {
            case "hostProcess": hostProcess = try value.flag()
            case "runAsUserName": runAsUserName = try value.text()
            default: break
            }
        }
    }
}
