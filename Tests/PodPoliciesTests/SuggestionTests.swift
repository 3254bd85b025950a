// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

@Suite struct ObjectSuggestionTests {
    private func suggest(_ pods: [Pod], isTemplate: Bool = false) throws -> (
        rules: SecurityRules, remarks: [PolicySuggestion.Remark]
    ) {
        var suggestion = PolicySuggestion()
        for (index, pod) in pods.enumerated() {
            suggestion.add(pod, subject: "Pod shop/p\(index)", isTemplate: isTemplate)
        }
        return try #require(suggestion.rules())
    }

    private static let tight = """
        "automountServiceAccountToken": false,
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": true, "fsGroup": 7, "supplementalGroups": [8, 9]}
        """

    @Test func aTightPodGetsTightRules() throws {
        let pod = try pod(
            Self.tight,
            container:
                #""allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}"#
        )
        let rules = try suggest([pod]).rules
        #expect(!rules.privileged && !rules.hostNetwork && !rules.hostPID && !rules.hostIPC)
        #expect(rules.hostPorts.isEmpty && rules.volumes.isEmpty && rules.allowedCapabilities.isEmpty)
        #expect(rules.requiredDropCapabilities == ["ALL"])
        #expect(rules.allowPrivilegeEscalation == false && rules.readOnlyRootFilesystem)
        #expect(rules.runAsUser == .mustRunAs && rules.runAsUserRanges == [.init(min: 1000, max: 1000)])
        #expect(rules.fsGroup == .init(.mustRunAs, ranges: [.init(min: 7, max: 7)]))
        #expect(rules.supplementalGroups == .init(.mustRunAs, ranges: [.init(min: 8, max: 9)]))
    }

    /// What one pod needs widens exactly its rule, and the remark names the pod.
    struct Case: Sendable, CustomTestStringConvertible {
        var field: String
        var spec = ""
        var container = ""
        var testDescription: String { field }
    }

    static let cases = [
        Case(field: "privileged", container: #""privileged": true"#),
        Case(field: "hostNetwork", spec: #""hostNetwork": true"#),
        Case(field: "hostPID", spec: #""hostPID": true"#), Case(field: "hostIPC", spec: #""hostIPC": true"#),
        Case(field: "volumes", spec: #""volumes": [{"name": "v", "emptyDir": {}}]"#),
        Case(field: "volumes", spec: #""volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]"#),
        Case(field: "allowedCapabilities", container: #""capabilities": {"add": ["NET_ADMIN"]}"#),
        Case(field: "runtimeClass", spec: #""runtimeClassName": "kata""#),
        Case(
            field: "forbiddenSysctls",
            spec: #""securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}"#),
        Case(
            field: "allowedSeccompProfiles",
            spec: #""securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}}"#),
    ]

    @Test(arguments: cases) func widensWhatIsNeeded(row: Case) throws {
        let (plain, odd) = (try pod(), try pod(row.spec, container: row.container))
        let (rules, remarks) = try suggest([plain, odd])
        #expect(remarks.contains { $0.field == row.field && $0.reason.hasPrefix("Pod shop/p1: ") }, "\(remarks)")
        for pod in [plain, odd] {
            #expect(rules.violations(in: pod).isEmpty && rules.changes(filling: pod).isEmpty)
        }
        // Of the plain pod alone nothing of the kind is needed.
        #expect(try !suggest([plain]).remarks.contains { $0.field == row.field })
    }

    @Test func hostPathsAreReadOnlyWhereAllMountsAre() throws {
        func mounting(_ path: String, readOnly: Bool) throws -> Pod {
            try Pod(
                read(
                    """
                    {"metadata": {"name": "p"}, "spec": {"volumes": [{"name": "v", "hostPath": {"path": "\(path)"}}],
                     "containers": [{"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/m", "readOnly": \(readOnly)}]}]}}
                    """))
        }
        let rules = try suggest([
            mounting("/a", readOnly: true), mounting("/b", readOnly: true), mounting("/b", readOnly: false),
        ]).rules
        #expect(
            rules.allowedHostPaths == [
                .init(pathPrefix: "/a", readOnly: true), .init(pathPrefix: "/b", readOnly: false),
            ])
    }

    /// The order of adding does not show, the same pod counts once, and the rules can be read back.
    @Test func isDeterministic() throws {
        let pods = try [
            pod(), pod(#""hostNetwork": true"#),
            pod(container: #""capabilities": {"add": ["B", "A"]}, "runAsUser": 3"#),
            pod(Self.tight), pod(),
        ]
        var suggestion = PolicySuggestion()
        for pod in pods { suggestion.add(pod, subject: "x", isTemplate: false) }
        #expect(suggestion.seen == 5 && suggestion.templates == 0 && suggestion.leftOut == 0)
        let first = try #require(suggestion.rules()).rules
        #expect(try suggest(pods.reversed()).rules == first)
        #expect(try SecurityRules(reading: read(first.fields.json)) == first)
        #expect(PolicySuggestion().isEmpty)
    }

    /// The account's token is mounted into the pods of a template, which must pass too.
    @Test func templatesGetTheToken() throws {
        let rules = try suggest([pod()], isTemplate: true).rules
        let made = try pod(
            """
            "volumes": [{"name": "kube-api-access-x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}},
              {"configMap": {"name": "kube-root-ca.crt"}}, {"downwardAPI": {}}]}}]
            """)
        #expect(rules.violations(in: made).isEmpty && rules.changes(filling: made).isEmpty)
    }
}
