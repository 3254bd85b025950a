// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

/// What each control of the Pod Security Standards does with each field, role and version.
@Suite struct StandardTests {
    /// A pod, the standards that refuse it and those that accept it, and the control that refuses.
    struct Case: CustomTestStringConvertible, Sendable {
        var control: String
        var spec: String
        var annotations = "{}"
        var refused: [String] = []
        var accepted: [String] = []
        var testDescription: String { "\(control) \(spec) \(annotations)" }
    }

    static func violations(_ standard: String, _ spec: String, _ annotations: String = "{}") throws -> [Violation] {
        let json = #"{"kind": "Pod", "metadata": {"annotations": \#(annotations)}, "spec": \#(spec)}"#
        let pod = try Pod(JSONReader.read(Array(json.utf8), source: "test").root)
        return try #require(PodSecurityStandard(standard)).violations(in: pod)
    }

    private func check(_ test: Case) throws {
        for standard in test.refused {
            let found = try Self.violations(standard, test.spec, test.annotations)
            #expect(found.contains { $0.control == test.control }, "\(standard): \(found)")
        }
        for standard in test.accepted {
            let found = try Self.violations(standard, test.spec, test.annotations)
            #expect(!found.contains { $0.control == test.control }, "\(standard): \(found)")
        }
    }

    /// A spec with one container of a role that has these fields.
    static func container(_ fields: String, _ role: Container.Role = .main, pod: String = "") -> String {
        #"{\#(pod)"\#(role.rawValue)": [{"name": "c", \#(fields)}]}"#
    }

    static func context(_ fields: String, _ role: Container.Role = .main, pod: String = "") -> String {
        container(#""securityContext": {\#(fields)}"#, role, pod: pod)
    }

    @Test(arguments: Container.Role.allCases) func everyRoleCounts(_ role: Container.Role) throws {
        let fields: [(String, String)] = [
            ("privileged", #""privileged": true"#),
            ("capabilities", #""capabilities": {"add": ["SYS_ADMIN"], "drop": ["ALL"]}"#),
            ("hostProcess", #""windowsOptions": {"hostProcess": true}"#),
            ("seLinuxOptions", #""seLinuxOptions": {"user": "u"}"#), ("procMount", #""procMount": "Unmasked""#),
            ("seccompProfile", #""seccompProfile": {"type": "Unconfined"}"#),
            ("appArmorProfile", #""appArmorProfile": {"type": "Unconfined"}"#),
        ]
        for (control, field) in fields {
            for level in ["baseline", "restricted"] {
                let found = try Self.violations(level, Self.context(field, role)).first { $0.control == control }
                let violation = try #require(found, "\(level) \(control)")
                #expect(violation.container == "c")
                #expect(violation.path.hasPrefix("spec.\(role.rawValue)[0].securityContext."))
                #expect(!violation.value.isEmpty && !violation.message.isEmpty && !violation.remedy.isEmpty)
            }
            #expect(try Self.violations("privileged", Self.context(field, role)).isEmpty)
        }
        let missing = try Self.violations("restricted", Self.context("", role)).map(\.control)
        #expect(missing.sorted() == ["allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile"])
        let port = try Self.violations("baseline", Self.container(#""ports": [{"hostPort": -1}]"#, role))
        #expect(port.map(\.path) == ["spec.\(role.rawValue)[0].ports[0].hostPort"])
        #expect(port.map(\.value) == ["-1"])
    }

    @Test(arguments: [
        Case(control: "capabilities", spec: context(#""capabilities": {"add": ["chown"]}"#), refused: ["baseline"]),
        Case(control: "capabilities", spec: context(#""capabilities": {"add": [""]}"#), refused: ["baseline"]),
        Case(control: "capabilities", spec: context(#""capabilities": {"add": ["CAP_CHOWN"]}"#), refused: ["baseline"]),
        Case(control: "capabilities", spec: context(#""capabilities": {"add": ["ALL"]}"#), refused: ["baseline"]),
        Case(
            control: "capabilities", spec: context(#""capabilities": {"add": ["CHOWN", "MKNOD"]}"#),
            refused: ["restricted@v1.22"], accepted: ["baseline", "restricted@v1.21"]),
        Case(
            control: "capabilities",
            spec: context(#""capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["CHOWN", "ALL"]}"#),
            accepted: ["restricted"]),
        Case(control: "capabilities", spec: context(#""capabilities": {"drop": ["all"]}"#), refused: ["restricted"]),
        Case(
            control: "capabilities", spec: context("", pod: #""os": {"name": "windows"}, "#),
            refused: ["restricted@v1.24"], accepted: ["restricted@v1.25"]),
        Case(
            control: "capabilities", spec: context("", pod: #""os": {"name": "linux"}, "#),
            refused: ["restricted@v1.25"]),
    ])
    func capabilities(_ test: Case) throws { try check(test) }

    @Test(arguments: [
        Case(
            control: "seccompProfile", spec: context(""),
            annotations: #"{"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}"#,
            refused: ["baseline@v1.18", "restricted@v1.0"], accepted: ["baseline@v1.19"]),
        Case(
            control: "seccompProfile", spec: context(""),
            annotations: #"{"container.seccomp.security.alpha.kubernetes.io/c": "unconfined"}"#,
            refused: ["baseline@v1.18"], accepted: ["baseline@v1.19"]),
        Case(
            control: "seccompProfile", spec: context(""),
            annotations: #"{"container.seccomp.security.alpha.kubernetes.io/other": "unconfined"}"#,
            accepted: ["baseline@v1.18"]),
        Case(
            control: "seccompProfile", spec: context(""),
            annotations: #"{"seccomp.security.alpha.kubernetes.io/pod": ""}"#, refused: ["baseline@v1.18"]),
        Case(
            control: "seccompProfile", spec: context(""),
            annotations: #"{"seccomp.security.alpha.kubernetes.io/pod": "docker/default"}"#,
            accepted: ["baseline@v1.18", "restricted@v1.18"]),
        Case(
            control: "seccompProfile", spec: context(#""seccompProfile": {"type": "Unconfined"}"#),
            refused: ["baseline@v1.19", "restricted@v1.19"], accepted: ["baseline@v1.18", "restricted@v1.18"]),
        Case(
            control: "seccompProfile", spec: context(#""seccompProfile": {}"#), refused: ["baseline", "restricted"]),
        Case(
            control: "seccompProfile", spec: context(#""seccompProfile": {"type": "runtime/default"}"#),
            refused: ["baseline"]),
        Case(
            control: "seccompProfile",
            spec: context(#""seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}"#),
            accepted: ["baseline", "restricted"]),
        Case(
            control: "seccompProfile",
            spec: context("", pod: #""securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "#),
            accepted: ["restricted"]),
        Case(
            control: "seccompProfile",
            spec: context(
                #""seccompProfile": {"type": "RuntimeDefault"}"#,
                pod: #""securityContext": {"seccompProfile": {"type": "Unconfined"}}, "#),
            refused: ["baseline", "restricted"]),
        Case(
            control: "seccompProfile", spec: context("", pod: #""os": {"name": "windows"}, "#),
            refused: ["restricted@v1.24"], accepted: ["restricted@v1.25"]),
        Case(
            control: "seccompProfile",
            spec: context(#""seccompProfile": {"type": "Unconfined"}"#, pod: #""os": {"name": "windows"}, "#),
            refused: ["baseline", "restricted@v1.24"], accepted: ["restricted@v1.25"]),
    ])
    func seccomp(_ test: Case) throws { try check(test) }

    @Test(arguments: [
        Case(
            control: "appArmorProfile", spec: context(""),
            annotations: #"{"container.apparmor.security.beta.kubernetes.io/gone": "unconfined"}"#,
            refused: ["baseline", "restricted", "baseline@v1.0"]),
        Case(
            control: "appArmorProfile", spec: context(""),
            annotations: """
                {"container.apparmor.security.beta.kubernetes.io/c": "", "container.apparmor.security.beta.kubernetes.io/d": \
                "localhost/x", "container.apparmor.security.beta.kubernetes.io/e": "runtime/default"}
                """, accepted: ["baseline", "restricted"]),
        Case(
            control: "appArmorProfile", spec: context(""),
            annotations: #"{"container.apparmor.security.beta.kubernetes.io/c": "Runtime/default"}"#,
            refused: ["baseline"]),
        Case(
            control: "appArmorProfile", spec: context(#""appArmorProfile": {"type": ""}"#), refused: ["baseline@v1.0"]),
        Case(control: "appArmorProfile", spec: context(#""appArmorProfile": null"#), accepted: ["baseline"]),
        Case(
            control: "appArmorProfile",
            spec: context("", pod: #""securityContext": {"appArmorProfile": {"type": "Unconfined"}}, "#),
            refused: ["baseline"]),
        Case(
            control: "appArmorProfile", spec: context(#""appArmorProfile": {"type": "Localhost"}"#),
            accepted: ["baseline"]),
        Case(
            control: "seLinuxOptions", spec: context(#""seLinuxOptions": {"type": "container_engine_t"}"#),
            refused: ["baseline@v1.30"], accepted: ["baseline@v1.31"]),
        Case(
            control: "seLinuxOptions", spec: context(#""seLinuxOptions": {"type": "", "level": "s0:c1"}"#),
            accepted: ["baseline", "restricted"]),
        Case(
            control: "seLinuxOptions",
            spec: context("", pod: #""securityContext": {"seLinuxOptions": {"role": "r"}}, "#), refused: ["baseline"]),
        Case(
            control: "seLinuxOptions", spec: context(#""seLinuxOptions": {"type": "container_kvm_t"}"#),
            accepted: ["baseline@v1.0"]),
        Case(control: "procMount", spec: context(#""procMount": "Default""#), accepted: ["baseline", "restricted"]),
        Case(control: "procMount", spec: context(#""procMount": """#), refused: ["baseline"]),
        Case(
            control: "procMount", spec: context(#""procMount": "Unmasked""#, pod: #""hostUsers": false, "#),
            refused: ["baseline@v1.34", "restricted@v1.34", "restricted"], accepted: ["baseline@v1.35"]),
        Case(
            control: "procMount", spec: context(#""procMount": "Unmasked""#, pod: #""hostUsers": true, "#),
            refused: ["baseline@v1.35"]),
        Case(
            control: "hostProcess",
            spec: context("", pod: #""securityContext": {"windowsOptions": {"hostProcess": true}}, "#),
            refused: ["baseline", "restricted"]),
        Case(
            control: "hostProcess", spec: context(#""windowsOptions": {"hostProcess": false}"#), accepted: ["baseline"]),
        Case(control: "hostPorts", spec: container(#""ports": [{"hostPort": 0}]"#), accepted: ["baseline"]),
        Case(
            control: "hostProbesAndHostLifecycle",
            spec: container(#""startupProbe": {"tcpSocket": {"host": "127.0.0.1"}}"#),
            refused: ["baseline@v1.34"], accepted: ["baseline@v1.33"]),
        Case(
            control: "hostProbesAndHostLifecycle", spec: container(#""livenessProbe": {"httpGet": {"host": ""}}"#),
            accepted: ["baseline"]),
        Case(
            control: "hostProbesAndHostLifecycle",
            spec: container(#""lifecycle": {"preStop": {"httpGet": {"host": "a"}}}"#, .initial), refused: ["restricted"]
        ),
        Case(
            control: "hostNamespaces", spec: #"{"hostIPC": true, "containers": []}"#, refused: ["baseline@v1.0"]),
        Case(
            control: "hostNamespaces", spec: #"{"hostIPC": false, "hostNetwork": null}"#, accepted: ["baseline"]),
    ])
    func baseline(_ test: Case) throws { try check(test) }

    @Test(arguments: [
        ("kernel.shm_rmid_forced", 0), ("net.ipv4.ip_local_port_range", 0), ("net.ipv4.tcp_syncookies", 0),
        ("net.ipv4.ping_group_range", 0), ("net.ipv4.ip_unprivileged_port_start", 0),
        ("net.ipv4.ip_local_reserved_ports", 27), ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29), ("net.ipv4.tcp_keepalive_intvl", 29), ("net.ipv4.tcp_keepalive_probes", 29),
        ("net.ipv4.tcp_rmem", 32), ("net.ipv4.tcp_wmem", 32), ("net.ipv4.tcp_notsent_lowat", 37),
        ("net.ipv4.tcp_slow_start_after_idle", 37), ("net/ipv4/tcp_syncookies", 99), ("", 99), ("kernel.msgmax", 99),
    ])
    func sysctls(_ name: String, _ since: Int) throws {
        let spec = #"{"securityContext": {"sysctls": [{"name": "\#(name)", "value": "1"}]}}"#
        for minor in [0, 26, 27, 28, 29, 31, 32, 36, 37, 60] {
            let isAllowed = try Self.violations("baseline@v1.\(minor)", spec).isEmpty
            #expect(isAllowed == (minor >= since), "v1.\(minor)")
        }
    }

    @Test(arguments: [
        Case(
            control: "restrictedVolumes", spec: #"{"volumes": [{"name": "a"}, {"name": "b", "nfs": null}]}"#,
            accepted: ["restricted"]),
        Case(
            control: "restrictedVolumes",
            spec: #"{"volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]}"#,
            refused: ["restricted@v1.0"]),
        Case(
            control: "hostPathVolumes",
            spec: #"{"volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]}"#,
            refused: ["baseline"], accepted: ["restricted"]),
        Case(
            control: "restrictedVolumes", spec: #"{"volumes": [{"name": "a", "unheardOf": {}}]}"#,
            refused: ["restricted"], accepted: ["baseline"]),
        Case(
            control: "restrictedVolumes",
            spec:
                #"{"volumes": [{"name": "a", "csi": {}}, {"name": "b", "ephemeral": {}}, {"name": "c", "projected": {}}]}"#,
            accepted: ["restricted"]),
        Case(
            control: "restrictedVolumes",
            spec: #"{"volumes": [{"name": "a", "image": {"reference": "registry.example/a:1"}}]}"#,
            accepted: ["restricted", "restricted@v1.0"]),
        Case(
            control: "allowPrivilegeEscalation", spec: container(#""image": "x""#), refused: ["restricted@v1.8"],
            accepted: ["restricted@v1.7", "baseline"]),
        Case(
            control: "allowPrivilegeEscalation",
            spec: context(#""allowPrivilegeEscalation": true"#, pod: #""os": {"name": "windows"}, "#),
            refused: ["restricted@v1.24"], accepted: ["restricted@v1.25"]),
        Case(
            control: "runAsNonRoot", spec: context("", pod: #""os": {"name": "windows"}, "#), refused: ["restricted"]),
        Case(
            control: "runAsNonRoot", spec: context("", pod: #""securityContext": {"runAsNonRoot": true}, "#),
            accepted: ["restricted@v1.0"]),
        Case(
            control: "runAsNonRoot",
            spec: context(#""runAsNonRoot": true"#, pod: #""securityContext": {"runAsNonRoot": false}, "#),
            refused: ["restricted"]),
        Case(
            control: "runAsNonRoot",
            spec: context(#""runAsNonRoot": false"#, pod: #""securityContext": {"runAsNonRoot": true}, "#),
            refused: ["restricted"]),
        Case(
            control: "runAsNonRoot", spec: context(#""runAsNonRoot": false"#, pod: #""hostUsers": false, "#),
            refused: ["restricted@v1.34"], accepted: ["restricted@v1.35"]),
        Case(
            control: "runAsUser", spec: context(#""runAsUser": 0"#), refused: ["restricted@v1.23"],
            accepted: ["restricted@v1.22", "baseline"]),
        Case(
            control: "runAsUser", spec: context("", pod: #""securityContext": {"runAsUser": 0}, "#),
            refused: ["restricted"]),
        Case(
            control: "runAsUser", spec: context(#""runAsUser": 0"#, pod: #""hostUsers": false, "#),
            refused: ["restricted@v1.34"], accepted: ["restricted@v1.35"]),
        Case(control: "runAsUser", spec: context(#""runAsUser": -1"#), accepted: ["restricted"]),
    ])
    func restricted(_ test: Case) throws { try check(test) }

    @Test func newerVersionsBehaveAsTheNewestKnown() throws {
        let spec = Self.context(#""runAsNonRoot": false"#, pod: #""hostUsers": false, "#)
        let latest = try Self.violations("restricted", spec)
        #expect(try Self.violations("restricted@v1.37", spec) == latest)
        #expect(try Self.violations("restricted@v1.9999", spec) == latest)
        #expect(try Self.violations("restricted@v1.34", spec) != latest)
    }

    @Test func valuesAreShortJSON() throws {
        let long = String(repeating: "x", count: 5000)
        let found = try Self.violations("baseline", Self.context(#""procMount": "\#(long)\n""#))
        #expect(found.first.map { $0.value.count <= 200 && $0.value.hasPrefix("\"xxx") } == true)
    }

    @Test func tenThousandContainersAreJudged() throws {
        let containers = Array(repeating: #"{"name": "c", "securityContext": {"privileged": true}}"#, count: 10_000)
        let spec = #"{"containers": [\#(containers.joined(separator: ","))]}"#
        let clock = ContinuousClock()
        var found: [Violation] = []
        let time = try clock.measure { found = try Self.violations("restricted", spec) }
        #expect(found.count == RulesJudge.maxViolations)
        #expect(time < .seconds(5), "\(time)")
    }
}
