// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension Container {
    init(_ node: Node, _ role: Role, _ index: Int) throws(PodFieldError) {
        self.init(role: role, index: index)
        for (key, value) in try node.element() {
            switch key {
            case "name": name = try value.text() ?? ""
            case "image": image = try value.text() ?? ""
            case "securityContext": security = value.isNull ? nil : try SecurityContext(value)
            case "ports": for element in try value.list() { ports.append(try Port(element)) }
            case "volumeMounts": for element in try value.list() { volumeMounts.append(try VolumeMount(element)) }
            case "livenessProbe": try readHandler(value, "livenessProbe")
            case "readinessProbe": try readHandler(value, "readinessProbe")
            case "startupProbe": try readHandler(value, "startupProbe")
            case "lifecycle":
                for (key, value) in try value.fields() {
                    switch key {
                    case "postStart": try readHandler(value, "lifecycle.postStart")
                    case "preStop": try readHandler(value, "lifecycle.preStop")
                    default: break
                    }
                }
            default: break
            }
        }
    }

    /// Keeps the hosts that a probe or lifecycle handler names.
    private mutating func readHandler(_ node: Node, _ path: StaticString) throws(PodFieldError) {
        for (key, value) in try node.fields() {
            let action: StaticString
            switch key {
            case "httpGet": action = "httpGet"
            case "tcpSocket": action = "tcpSocket"
            default: continue
            }
            for (key, value) in try value.fields() where key == "host" {
                guard let host = try value.text(), !host.isEmpty else { continue }
                handlerHosts.append(HandlerHost(path: "\(path).\(action).host", host: host))
            }
        }
    }
}

extension Port {
    init(_ node: Node) throws(PodFieldError) {
        self.init()
        for (key, value) in try node.element() {
            switch key {
            case "name": name = try value.text() ?? ""
            case "containerPort": containerPort = try value.whole() ?? 0
            case "hostPort": hostPort = try value.whole() ?? 0
            case "hostIP": hostIP = try value.text() ?? ""
            case "protocol": self.protocol = try value.text() ?? ""
            default: break
            }
        }
    }
}

extension VolumeMount {
    init(_ node: Node) throws(PodFieldError) {
        self.init()
        for (key, value) in try node.element() {
            switch key {
            case "name": name = try value.text() ?? ""
            case "mountPath": mountPath = try value.text() ?? ""
            case "readOnly": readOnly = try value.flag() ?? false
            default: break
            }
        }
    }
}

extension Volume {
    /// Every member but the name is a source, known to us or not.
    init(_ node: Node) throws(PodFieldError) {
        self.init()
        for (key, value) in try node.element() {
            if key == "name" {
                name = try value.text() ?? ""
                continue
            }
            if value.isNull { continue }
            let source = try value.fields()
            let type = key.string
            if self.type.isEmpty { self.type = type } else { otherTypes.append(type) }
            switch key {
            case "hostPath":
                for (key, value) in source where key == "path" { hostPath = try value.text() ?? "" }
            case "flexVolume", "csi":
                for (key, value) in source where key == "driver" { driver = try value.text() ?? "" }
            case "projected": try readProjection(value)
            default: break
            }
        }
    }

    private mutating func readProjection(_ node: Node) throws(PodFieldError) {
        isServiceAccountProjection = true
        for (key, value) in try node.fields() where key == "sources" {
            for element in try value.list() {
                var isEmpty = true
                for (key, value) in try element.element() where !value.isNull {
                    isEmpty = false
                    projectedSources.append(key.string)
                    let isMounted = try Self.isServiceAccountSource(key, value)
                    isServiceAccountProjection = isServiceAccountProjection && isMounted
                }
                if isEmpty { isServiceAccountProjection = false }
            }
        }
    }

    /// Whether the service account admission plugin mounts such a source: the token, the cluster's certificate authority
    /// and the pod's namespace.
    private static func isServiceAccountSource(_ key: Node.Key, _ source: Node) throws(PodFieldError) -> Bool {
        let members = try source.fields()
        switch key {
        case "serviceAccountToken":
            var path = ""
            var audience = ""
            for (key, value) in members {
                switch key {
                case "path": path = try value.text() ?? ""
                case "audience": audience = try value.text() ?? ""
                default: break
                }
            }
            return path == "token" && audience.isEmpty
        case "configMap":
            for (key, value) in members where key == "name" { return try value.text() == "kube-root-ca.crt" }
            return false
        case "downwardAPI":
            for (key, value) in members where key == "items" {
                for item in try value.list() where try !isNamespaceItem(item) { return false }
            }
            return true
        default: return false
        }
    }

    private static func isNamespaceItem(_ item: Node) throws(PodFieldError) -> Bool {
        var isPath = false
        var isField = false
        for (key, value) in try item.element() {
            switch key {
            case "path": isPath = try value.text() == "namespace"
            case "fieldRef":
                var version = ""
                var field = ""
                for (key, value) in try value.fields() {
                    switch key {
                    case "apiVersion": version = try value.text() ?? ""
                    case "fieldPath": field = try value.text() ?? ""
                    default: break
                    }
                }
                // The API server fills in v1.
                isField = field == "metadata.namespace" && (version.isEmpty || version == "v1")
            default: break
            }
        }
        return isPath && isField
    }
}
