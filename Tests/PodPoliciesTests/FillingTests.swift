// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Testing

@testable import PodPolicies

@Suite struct FillingTests {
    private static let everything = """
        "defaultAddCapabilities": ["NET_RAW", "CHOWN"], "requiredDropCapabilities": ["KILL"],
        "seLinux": {"rule": "MustRunAs", "seLinuxOptions": {"level": "s0:c1"}},
        "runAsUser": {"rule": "MustRunAs", "ranges": [{"min": 7, "max": 9}, {"min": 1, "max": 2}]},
        "runAsGroup": {"rule": "MustRunAs", "ranges": [{"min": 8, "max": 9}]},
        "supplementalGroups": {"rule": "MustRunAs", "ranges": [{"min": 3, "max": 4}]},
        "fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 5, "max": 6}]},
        "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
        "runtimeClass": {"allowedRuntimeClassNames": ["kata"], "defaultRuntimeClassName": "kata"},
        "allowedSeccompProfiles": ["runtime/default"], "defaultSeccompProfile": "runtime/default",
        "allowedAppArmorProfiles": ["localhost/x"], "defaultAppArmorProfile": "localhost/x"
        """

    @Test func fillsInWhatIsOpen() throws {
        let rules = try rules(Self.everything)
        let pod = try pod()
        #expect(rules.violations(in: pod).count > 5)
        let (filled, violations) = rules.applied(to: pod)
        #expect(violations.isEmpty, "\(violations)")
        #expect(filled.security?.supplementalGroups == [3] && filled.security?.fsGroup == 5)
        #expect(filled.security?.seLinux == SELinuxOptions(level: "s0:c1"))
        #expect(filled.security?.seccomp == Profile(type: "RuntimeDefault"))
        #expect(filled.runtimeClassName == "kata")
        let box = try #require(filled.containers[0].security)
        #expect(box.runAsUser == 7 && box.runAsGroup == 8 && box.readOnlyRootFilesystem == true)
        #expect(box.allowPrivilegeEscalation == false && box.runAsNonRoot == nil && box.seLinux == nil)
        #expect(box.capabilities == Capabilities(add: ["CHOWN", "NET_RAW"], drop: ["KILL"]))
        #expect(
            filled.annotations == [
                "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
                "container.apparmor.security.beta.kubernetes.io/box": "localhost/x",
            ])
        // What is filled in once needs nothing more.
        #expect(rules.changes(filling: filled).isEmpty && rules.applied(to: filled).pod == filled)
    }

    @Test func inheritedAnswersAreAnswers() throws {
        let rules = try rules(Self.everything)
        let pod = try pod(#""securityContext": {"runAsUser": 8, "runAsGroup": 9}"#)
        let box = rules.applied(to: pod).pod.containers[0].security
        #expect(box?.runAsUser == nil && box?.runAsGroup == nil)
    }

    @Test func asksTheKubeletWhereNobodySaysTheUser() throws {
        let rules = try rules(#""runAsUser": {"rule": "MustRunAsNonRoot"}"#)
        #expect(rules.applied(to: try pod()).pod.containers[0].security?.runAsNonRoot == true)
        #expect(
            rules.applied(to: try pod(container: #""runAsUser": 5"#)).pod.containers[0].security?.runAsNonRoot == nil)
    }

    @Test func aDropOfTheContainersBeatsADefaultAdd() throws {
        let rules = try rules(#""defaultAddCapabilities": ["CHOWN"]"#)
        let dropping = try pod(container: #""capabilities": {"drop": ["CHOWN"]}"#)
        #expect(rules.applied(to: dropping).pod == dropping)
        // Order and repetition stay as they are where nothing is missing.
        let repeating = try pod(container: #""capabilities": {"add": ["CHOWN", "CHOWN"]}"#)
        #expect(rules.applied(to: repeating).pod == repeating)
    }

    @Test func annotationsBecomeFields() throws {
        let rules = try rules(#""allowedSeccompProfiles": ["*"]"#)
        let pod = try pod(
            annotations: """
                "seccomp.security.alpha.kubernetes.io/pod": "docker/default",
                "container.seccomp.security.alpha.kubernetes.io/box": "localhost/a.json"
                """)
        let filled = rules.applied(to: pod).pod
        #expect(filled.security?.seccomp == Profile(type: "RuntimeDefault"))
        #expect(filled.containers[0].security?.seccomp == Profile(type: "Localhost", localhostProfile: "a.json"))
        #expect(filled.annotations == pod.annotations)
    }

    struct PatchCase: Sendable {
        var object: String
        var patch: [String]
    }

    static let patches = [
        PatchCase(
            object: #"{"spec": {"containers": [{"name": "a"}]}}"#,
            patch: [
                "/metadata {}", "/metadata/annotations {}",
                #"/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a "localhost/x""#,
                "/spec/securityContext {}", "/spec/securityContext/fsGroup 5",
                "/spec/containers/0/securityContext {}",
                "/spec/containers/0/securityContext/readOnlyRootFilesystem true",
            ]),
        PatchCase(
            object: """
                {"metadata": {"annotations": null},
                 "spec": {"securityContext": null, "containers": [{"name": "a", "securityContext": {}}]}}
                """,
            patch: [
                "/metadata/annotations {}",
                #"/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a "localhost/x""#,
                "/spec/securityContext {}", "/spec/securityContext/fsGroup 5",
                "/spec/containers/0/securityContext/readOnlyRootFilesystem true",
            ]),
        PatchCase(
            object: """
                {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": ""}},
                 "spec": {"securityContext": {"fsGroup": 5, "runAsUser": 1},
                          "containers": [{"name": "a", "securityContext": {"readOnlyRootFilesystem": null}}]}}
                """,
            patch: [
                #"/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a "localhost/x""#,
                "/spec/containers/0/securityContext/readOnlyRootFilesystem true",
            ]),
    ]

    @Test(arguments: patches) func patchesAddWhatStandsOnTheWay(_ test: PatchCase) throws {
        let rules = try rules(
            """
            "fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 5, "max": 6}]}, "readOnlyRootFilesystem": true,
            "defaultAppArmorProfile": "localhost/x"
            """)
        let raw = try read(test.object)
        let pod = try Pod(raw)
        let patch = pod.patch(to: rules.applied(to: pod).pod, raw: raw)
        #expect(patch.map { "\($0.path) \($0.value)" } == test.patch)
        #expect(patch.allSatisfy { $0.kind == .add })
    }
}
