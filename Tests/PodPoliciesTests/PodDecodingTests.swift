// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

@Suite struct PodDecodingTests {
    static func node(_ json: String) throws -> Node { try JSONReader.read(Array(json.utf8), source: "test").root }

    @Test func readsEveryField() throws {
        let pod = try Pod(
            Self.node(
                """
                {"kind": "Pod", "metadata": {"name": "a", "namespace": "n", "generateName": "g", "annotations": {"x/y": "1", "z": null}},
                 "spec": {"serviceAccount": "old", "nodeName": "node", "runtimeClassName": "kata", "hostNetwork": true, "hostPID": true,
                  "hostIPC": true, "hostUsers": false, "shareProcessNamespace": true, "os": {"name": "windows"},
                  "securityContext": {"runAsUser": 1, "runAsGroup": 2, "runAsNonRoot": true, "supplementalGroups": [3], "fsGroup": 4,
                   "sysctls": [{"name": "a.b", "value": "5"}], "seccompProfile": {"type": "Localhost", "localhostProfile": "p"},
                   "appArmorProfile": {"type": "Unconfined"}, "seLinuxOptions": {"type": "t", "user": "u", "role": "r", "level": "l"},
                   "windowsOptions": {"hostProcess": true, "runAsUserName": "w"}},
                  "volumes": [{"name": "h", "hostPath": {"path": "/x"}}, {"name": "c", "csi": {"driver": "d"}}, {"name": "none"},
                   {"name": "two", "emptyDir": {}, "secret": {}, "nfs": null}],
                  "initContainers": [{"name": "i"}], "ephemeralContainers": [{"name": "e"}],
                  "containers": [{"name": "c", "image": "img", "ports": [{"name": "p", "containerPort": 1, "hostPort": 2, "hostIP": "::1", "protocol": "UDP"}],
                   "volumeMounts": [{"name": "h", "mountPath": "/m", "readOnly": true}],
                   "livenessProbe": {"httpGet": {"host": "h1"}}, "readinessProbe": {"tcpSocket": {"host": "h2"}}, "startupProbe": {"httpGet": {"host": ""}},
                   "lifecycle": {"postStart": {"httpGet": {"host": "h3"}}, "preStop": {"tcpSocket": {"host": "h4"}}},
                   "securityContext": {"privileged": true, "capabilities": {"add": ["A"], "drop": ["B"]}, "procMount": "Unmasked",
                    "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsUser": 0}}]}}
                """))
        #expect(pod.name == "a" && pod.namespace == "n" && pod.generateName == "g")
        #expect(pod.annotations == ["x/y": "1", "z": ""])
        #expect(pod.serviceAccountName == "old" && pod.nodeName == "node" && pod.runtimeClassName == "kata")
        #expect(pod.hostNetwork && pod.hostPID && pod.hostIPC && pod.hostUsers == false && pod.isWindows)
        let security = try #require(pod.security)
        #expect(security.runAsUser == 1 && security.runAsGroup == 2 && security.runAsNonRoot == true)
        #expect(security.supplementalGroups == [3] && security.fsGroup == 4)
        #expect(security.sysctls == [Sysctl(name: "a.b", value: "5")])
        #expect(security.seccomp == Profile(type: "Localhost", localhostProfile: "p"))
        #expect(security.appArmor?.type == "Unconfined")
        #expect(security.seLinux == SELinuxOptions(user: "u", role: "r", type: "t", level: "l"))
        #expect(security.windows == WindowsOptions(hostProcess: true, runAsUserName: "w"))
        #expect(pod.volumes.map(\.type) == ["hostPath", "csi", "", "emptyDir"])
        #expect(
            pod.volumes[0].hostPath == "/x" && pod.volumes[1].driver == "d" && pod.volumes[3].otherTypes == ["secret"])
        #expect(pod.allContainers.map(\.name) == ["i", "c", "e"])
        let container = pod.containers[0]
        #expect(container.ports[0].hostPort == 2 && container.ports[0].hostIP == "::1")
        #expect(container.volumeMounts[0].readOnly)
        #expect(container.handlerHosts.map(\.host) == ["h1", "h2", "h3", "h4"])
        #expect(container.handlerHosts.map(\.path).last == "lifecycle.preStop.tcpSocket.host")
        #expect(container.security?.capabilities == Capabilities(add: ["A"], drop: ["B"]))
        #expect(container.security?.procMount == "Unmasked" && container.security?.runAsUser == 0)
    }

    @Test(arguments: [
        (#"{"spec": {"containers": {}}}"#, "spec.containers"),
        (#"{"spec": {"containers": [null]}}"#, "spec.containers[0]"),
        (
            #"{"spec": {"containers": [{"securityContext": {"privileged": "true"}}]}}"#,
            "spec.containers[0].securityContext.privileged"
        ),
        (
            #"{"spec": {"initContainers": [{}, {"ports": [{"hostPort": "80"}]}]}}"#,
            "spec.initContainers[1].ports[0].hostPort"
        ),
        (#"{"spec": {"securityContext": []}}"#, "spec.securityContext"),
        (#"{"spec": {"securityContext": {"runAsUser": 1.5}}}"#, "spec.securityContext.runAsUser"),
        (#"{"spec": {"volumes": [{"hostPath": "x"}]}}"#, "spec.volumes[0].hostPath"),
        (#"{"metadata": {"annotations": {"a/b": 1}}, "spec": {}}"#, "metadata.annotations[a/b]"),
        (#"{"metadata": {}}"#, "spec"),
        ("[]", ""),
    ])
    func refusesWrongTypes(_ json: String, _ path: String) throws {
        let node = try Self.node(json)
        #expect { try Pod(node) } throws: { ($0 as? PodFieldError)?.path == path }
        // The same inside an admission review: the path is the object's own.
        let inside = try #require(try Self.node(#"{"request": {"object": \#(json)}}"#)["request"]?["object"])
        #expect { try Pod(inside) } throws: { ($0 as? PodFieldError)?.path == path }
    }

    @Test(arguments: [
        ("v1", "Pod", "{}", nil as String?),
        ("apps/v1", "Deployment", #"{"template": HERE}"#, "spec.template."),
        ("extensions/v1beta1", "ReplicaSet", #"{"template": HERE}"#, "spec.template."),
        ("apps/v1", "StatefulSet", #"{"template": HERE}"#, "spec.template."),
        ("apps/v1", "DaemonSet", #"{"template": HERE}"#, "spec.template."),
        ("batch/v1", "Job", #"{"template": HERE}"#, "spec.template."),
        ("batch/v1", "CronJob", #"{"jobTemplate": {"spec": {"template": HERE}}}"#, "spec.jobTemplate.spec.template."),
        (
            "batch/v1beta1", "CronJob", #"{"jobTemplate": {"spec": {"template": HERE}}}"#,
            "spec.jobTemplate.spec.template."
        ),
        ("v1", "ReplicationController", #"{"template": HERE}"#, "spec.template."),
    ])
    func findsTemplates(_ version: String, _ kind: String, _ spec: String, _ path: String?) throws {
        func object(_ template: String) throws -> Node {
            let spec = spec.replacing("HERE", with: template)
            return try Self.node(
                #"{"apiVersion": "\#(version)", "kind": "\#(kind)", "metadata": {"namespace": "shop"}, "spec": \#(spec)}"#
            )
        }
        let found = try #require(try PodSource.find(in: try object(#"{"spec": {"hostPID": true}}"#)))
        #expect(found.path == path ?? "" && found.isTemplate == (path != nil) && found.pod.namespace == "shop")
        guard let path else { return }
        #expect(found.pod.hostPID)
        let broken = try object(#"{"spec": {"hostPID": 1}}"#)
        #expect { try PodSource.find(in: broken) } throws: { ($0 as? PodFieldError)?.path == path + "spec.hostPID" }
        let empty = try object("null")
        #expect { try PodSource.find(in: empty) } throws: {
            ($0 as? PodFieldError)?.path == String(path.dropLast())
        }
    }

    @Test func passesOverOtherKinds() throws {
        for json in [
            #"{"apiVersion": "v1", "kind": "Service", "spec": {}}"#,
            #"{"apiVersion": "example.com/v1", "kind": "Deployment", "spec": {}}"#,
            #"{"spec": {}}"#,
        ] { #expect(try PodSource.find(in: Self.node(json)) == nil) }
        let template = try Self.node(#"{"kind": "PodTemplate", "template": {"spec": {"hostIPC": true}}}"#)
        #expect(try PodSource.find(in: template)?.path == "template.")
    }

    @Test func tellsTheMountedTokenFromOtherProjections() throws {
        func projection(_ sources: String) throws -> Bool {
            let node = try Self.node(#"{"spec": {"volumes": [{"name": "a", "projected": {"sources": \#(sources)}}]}}"#)
            return try Pod(node).volumes[0].isServiceAccountProjection
        }
        let token = #"{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}"#
        let map = #"{"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}"#
        let field = #"{"fieldPath": "metadata.namespace", "apiVersion": "v1"}"#
        let down = #"{"downwardAPI": {"items": [{"path": "namespace", "fieldRef": \#(field)}]}}"#
        #expect(try projection("[\(token), \(map), \(down)]"))
        #expect(try !projection(#"[\#(token), {"secret": {"name": "x"}}]"#))
        #expect(try !projection(#"[{"configMap": {"name": "other"}}]"#))
        #expect(try !projection(#"[{"serviceAccountToken": {"path": "token", "audience": "vault"}}]"#))
        #expect(try !projection("[{}]"))
    }
}
