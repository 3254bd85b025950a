// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

func read(_ json: String) throws -> Node { try JSONReader.read(Array(json.utf8), source: "test").root }

func rules(_ json: String) throws -> SecurityRules {
    let rest = json.isEmpty ? "" : ", " + json
    return try SecurityRules(
        reading: read(
            """
            {"seLinux": {"rule": "RunAsAny"}, "runAsUser": {"rule": "RunAsAny"},
             "supplementalGroups": {"rule": "RunAsAny"}, "fsGroup": {"rule": "RunAsAny"}, "volumes": ["*"]\(rest)}
            """.lastOfEach()))
}

extension String {
    /// Later members replace the ones that every test would have to repeat.
    fileprivate func lastOfEach() throws -> String {
        EditValue(try JSONReader.read(Array(utf8), source: "test", duplicateKeys: .last).root).json
    }
}

func pod(_ spec: String = "", container: String = "", annotations: String = "") throws -> Pod {
    let rest = spec.isEmpty ? "" : ", " + spec
    let security = container.isEmpty ? "" : #", "securityContext": {\#(container)}"#
    return try Pod(
        read(
            """
            {"metadata": {"name": "p", "annotations": {\(annotations)}},
             "spec": {"containers": [{"name": "box"\(security)}]\(rest)}}
            """))
}

/// One field at a time: what refuses, what passes, and where the violation points.
@Suite struct FieldRulesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var rule: String
        var spec = ""
        var container = ""
        var annotations = ""
        /// Paths of the violations after filling in.
        var paths: [String]

        var testDescription: String { "\(rule) | \(spec)\(container)\(annotations)" }
    }

    private static let box = "spec.containers[0].securityContext"
    private static let seccompOfPod = #""seccomp.security.alpha.kubernetes.io/pod""#

    static let cases = [
        Case(rule: "", container: #""privileged": true"#, paths: ["\(box).privileged"]),
        Case(rule: #""privileged": true"#, container: #""privileged": true"#, paths: []),
        Case(rule: "", spec: #""hostNetwork": true"#, paths: ["spec.hostNetwork"]),
        Case(rule: "", spec: #""hostPID": true, "hostIPC": true"#, paths: ["spec.hostPID", "spec.hostIPC"]),
        Case(rule: #""allowPrivilegeEscalation": false"#, paths: []),
        Case(
            rule: #""allowPrivilegeEscalation": false"#, container: #""allowPrivilegeEscalation": true"#,
            paths: ["\(box).allowPrivilegeEscalation"]),
        Case(rule: #""readOnlyRootFilesystem": true"#, paths: []),
        Case(
            rule: #""readOnlyRootFilesystem": true"#, container: #""readOnlyRootFilesystem": false"#,
            paths: ["\(box).readOnlyRootFilesystem"]),
        Case(rule: "", container: #""capabilities": {"add": ["CHOWN"]}"#, paths: ["\(box).capabilities.add"]),
        Case(rule: #""allowedCapabilities": ["*"]"#, container: #""capabilities": {"add": ["CHOWN"]}"#, paths: []),
        // ALL is a name like any other.
        Case(
            rule: #""requiredDropCapabilities": ["KILL"]"#, container: #""capabilities": {"drop": ["ALL"]}"#,
            paths: []),
        Case(rule: #""volumes": []"#, spec: #""volumes": [{"name": "v"}]"#, paths: ["spec.volumes[0]"]),
        Case(rule: #""volumes": ["emptyDir"]"#, spec: #""volumes": [{"name": "v"}]"#, paths: []),
        Case(rule: #""volumes": ["cephFS"]"#, spec: #""volumes": [{"name": "v", "cephfs": {}}]"#, paths: []),
        Case(
            rule: #""allowedHostPaths": [{"pathPrefix": "/var/"}]"#,
            spec: #""volumes": [{"name": "v", "hostPath": {"path": "/variable"}}]"#,
            paths: ["spec.volumes[0].hostPath.path"]),
        Case(
            rule: #""allowedHostPaths": [{"pathPrefix": "/var/"}]"#,
            spec: #""volumes": [{"name": "v", "hostPath": {"path": "/var/../etc"}}]"#,
            paths: ["spec.volumes[0].hostPath.path"]),
        Case(
            rule: #""allowedHostPaths": [{"pathPrefix": "/var"}]"#,
            spec: #""volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]"#, paths: []),
        Case(
            rule: #""allowedCSIDrivers": [{"name": "a.example.com"}]"#,
            spec: #""volumes": [{"name": "v", "csi": {"driver": "b.example.com"}}]"#,
            paths: ["spec.volumes[0].csi.driver"]),
        Case(
            rule: #""runAsUser": {"rule": "MustRunAs", "ranges": [{"min": 5, "max": 9}]}"#,
            container: #""runAsUser": 4"#, paths: ["\(box).runAsUser"]),
        Case(
            rule: #""runAsUser": {"rule": "MustRunAsNonRoot"}"#, spec: #""securityContext": {"runAsUser": 0}"#,
            paths: ["\(box).runAsUser"]),
        Case(
            rule: #""runAsUser": {"rule": "MustRunAsNonRoot"}"#, container: #""runAsNonRoot": false"#,
            paths: ["\(box).runAsNonRoot"]),
        // An empty list is no open question.
        Case(
            rule: #""supplementalGroups": {"rule": "MustRunAs", "ranges": [{"min": 1, "max": 2}]}"#,
            spec: #""securityContext": {"supplementalGroups": []}"#,
            paths: ["spec.securityContext.supplementalGroups"]),
        Case(
            rule: #""fsGroup": {"rule": "MayRunAs", "ranges": [{"min": 1, "max": 2}]}"#,
            spec: #""securityContext": {"fsGroup": 3}"#, paths: ["spec.securityContext.fsGroup"]),
        Case(
            rule: #""seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0:c1,c2"}}"#,
            spec: #""securityContext": {"seLinuxOptions": {"level": "s0:c2,c1"}}"#, paths: []),
        Case(
            rule: #""seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0:c1,c2"}}"#,
            container: #""seLinuxOptions": {"level": "s0:c3", "type": "t"}"#,
            paths: ["\(box).seLinuxOptions.level", "\(box).seLinuxOptions.type"]),
        Case(
            rule: "", spec: #""securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}"#,
            paths: ["spec.securityContext.sysctls[0]"]),
        Case(
            rule: #""allowedUnsafeSysctls": ["kernel.*"]"#,
            spec: #""securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}"#, paths: []),
        Case(
            rule: #""forbiddenSysctls": ["net.*"]"#,
            spec: #""securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]}"#,
            paths: ["spec.securityContext.sysctls[0]"]),
        Case(rule: "", container: #""procMount": "Unmasked""#, paths: ["\(box).procMount"]),
        Case(
            rule: #""runtimeClass": {"allowedRuntimeClassNames": []}"#, spec: #""runtimeClassName": "gvisor""#,
            paths: ["spec.runtimeClassName"]),
        Case(
            rule: "", container: #""seccompProfile": {"type": "Unconfined"}"#,
            // The pod itself sets none.
            paths: ["\(box).seccompProfile"]),
        Case(
            rule: #""allowedSeccompProfiles": ["docker/default"]"#, spec: "",
            paths: [
                "spec.securityContext.seccompProfile", "\(box).seccompProfile",
            ]),
        Case(
            rule: #""allowedSeccompProfiles": ["docker/default"]"#,
            spec: #""securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}"#, paths: []),
        // The annotation would hide what the field really asks for.
        Case(
            rule: #""allowedSeccompProfiles": ["runtime/default"]"#,
            container: #""seccompProfile": {"type": "RuntimeDefault"}"#,
            annotations: #"\#(seccompOfPod): "runtime/default", "#
                + #""container.seccomp.security.alpha.kubernetes.io/box": "unconfined""#,
            paths: ["\(box).seccompProfile"]),
        Case(
            rule: #""allowedAppArmorProfiles": ["runtime/default"]"#,
            paths: ["metadata.annotations[container.apparmor.security.beta.kubernetes.io/box]"]),
        Case(
            rule: #""allowedAppArmorProfiles": ["runtime/default"], "defaultAppArmorProfile": "runtime/default""#,
            container: #""appArmorProfile": {"type": "Unconfined"}"#, paths: ["\(box).appArmorProfile"]),
        Case(
            rule: #""allowedAppArmorProfiles": ["runtime/default"], "defaultAppArmorProfile": "runtime/default""#,
            paths: []),
    ]

    @Test(arguments: cases) func judges(_ test: Case) throws {
        let pod = try pod(test.spec, container: test.container, annotations: test.annotations)
        let (_, violations) = try rules(test.rule).applied(to: pod)
        #expect(violations.map(\.path) == test.paths, "\(violations)")
        #expect(violations.allSatisfy { !$0.message.isEmpty && !$0.remedy.isEmpty })
    }

    @Test func hostPorts() throws {
        let rules = try rules(#""hostPorts": [{"min": 80, "max": 81}]"#)
        var pod = try pod()
        var port = Port()
        for (number, isAllowed) in [(0, true), (79, false), (80, true), (81, true), (82, false)] {
            port.hostPort = number
            pod.containers[0].ports = [port]
            #expect(rules.violations(in: pod).isEmpty == isAllowed, "\(number)")
        }
    }

    @Test func readOnlyHostPathsAreHeldAtEveryMount() throws {
        let rules = try rules(#""allowedHostPaths": [{"pathPrefix": "/a", "readOnly": true}]"#)
        var pod = try pod(#""volumes": [{"name": "v", "hostPath": {"path": "/a/b"}}]"#)
        var mount = VolumeMount()
        mount.name = "v"
        pod.containers[0].volumeMounts = [mount]
        #expect(rules.violations(in: pod).map(\.path) == ["spec.containers[0].volumeMounts[0].readOnly"])
        pod.containers[0].volumeMounts[0].readOnly = true
        #expect(rules.violations(in: pod).isEmpty)
    }

    @Test func everyOneOfSeveralSourcesMustPass() throws {
        let rules = try rules(#""volumes": ["emptyDir"]"#)
        let pod = try pod(#""volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]"#)
        #expect(!rules.violations(in: pod).isEmpty)
    }

    @Test func tellsNoMoreThanAPersonCouldRead() throws {
        var pod = try pod(container: #""privileged": true"#)
        pod.containers = Array(repeating: pod.containers[0], count: 10_000)
        #expect(try rules("").violations(in: pod).count == RulesJudge.maxViolations)
    }

    /// Policies that the API server took and its admission then passed over.
    @Test func rulesWithoutRangesAcceptNothing() throws {
        var rules = SecurityRules()
        rules.volumes = ["*"]
        #expect(rules.violations(in: try pod()).isEmpty)
        rules.fsGroup = .init(.mustRunAs)
        #expect(rules.applied(to: try pod()).violations.first?.control == "fsGroup.ranges")
    }
}
