// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

@Suite struct FieldDecodingTests {
    /// Every field once, as it is written again.
    private static let full = """
        {"privileged":true,"defaultAddCapabilities":["CHOWN"],"requiredDropCapabilities":["KILL"],\
        "allowedCapabilities":["NET_RAW"],"volumes":["emptyDir","image"],"hostNetwork":true,\
        "hostPorts":[{"min":1,"max":2}],"hostPID":true,"hostIPC":true,\
        "seLinux":{"rule":"MustRunAs","seLinuxOptions":{"user":"u","role":"r","type":"t","level":"s0"}},\
        "runAsUser":{"rule":"MustRunAs","ranges":[{"min":3,"max":4}]},\
        "runAsGroup":{"rule":"MayRunAs","ranges":[{"min":5,"max":6}]},\
        "supplementalGroups":{"rule":"MustRunAs","ranges":[{"min":7,"max":8}]},"fsGroup":{"rule":"RunAsAny"},\
        "readOnlyRootFilesystem":true,"defaultAllowPrivilegeEscalation":false,"allowPrivilegeEscalation":false,\
        "allowedHostPaths":[{"pathPrefix":"/a"},{"pathPrefix":"/b","readOnly":true}],\
        "allowedFlexVolumes":[{"driver":"d"}],"allowedCSIDrivers":[{"name":"e"}],"allowedUnsafeSysctls":["kernel.*"],\
        "forbiddenSysctls":["net.a"],"allowedProcMountTypes":["Default","Unmasked"],\
        "runtimeClass":{"allowedRuntimeClassNames":["kata"],"defaultRuntimeClassName":"kata"},\
        "allowedSeccompProfiles":["*","localhost/a.json"],"defaultSeccompProfile":"unconfined",\
        "allowedAppArmorProfiles":["localhost/x"],"defaultAppArmorProfile":"runtime/default"}
        """

    @Test func readsWhatItWrites() throws {
        let rules = try SecurityRules(reading: read(Self.full))
        #expect(rules.fields.json == Self.full)
        #expect(try read(Self.full).members.allSatisfy { SecurityRules.fieldNames.contains($0.key.string) })
        #expect(try read(Self.full).count == SecurityRules.fieldNames.count)
        #expect(rules.runAsUserRanges == [.init(min: 3, max: 4)] && rules.runAsGroup?.rule == .mayRunAs)
    }

    @Test func nullIsAbsent() throws {
        let rules = try rules(
            #""privileged": null, "runAsGroup": null, "allowPrivilegeEscalation": null, "hostPorts": null"#)
        #expect(!rules.privileged && rules.runAsGroup == nil && rules.allowPrivilegeEscalation == nil)
    }

    struct BadCase: Sendable {
        var json: String
        var path: String
    }

    static let bad = [
        BadCase(json: #""privilegd": true"#, path: ""),
        BadCase(json: #""privileged": "true""#, path: ".privileged"),
        BadCase(json: #""volumes": "*""#, path: ".volumes"),
        BadCase(json: #""volumes": [1]"#, path: ".volumes[0]"),
        BadCase(json: #""volumes": ["hostpath"]"#, path: ".volumes[0]"),
        BadCase(json: #""seLinux": null"#, path: ".seLinux"),
        BadCase(json: #""seLinux": {"rule": "MustRunAs"}"#, path: ".seLinux.seLinuxOptions"),
        BadCase(json: #""fsGroup": {"rule": "mustRunAs"}"#, path: ".fsGroup.rule"),
        BadCase(json: #""fsGroup": {}"#, path: ".fsGroup.rule"),
        BadCase(json: #""fsGroup": {"rule": "MustRunAs"}"#, path: ".fsGroup.ranges"),
        BadCase(json: #""fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 1}]}"#, path: ".fsGroup.ranges[0].max"),
        BadCase(
            json: #""fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 2, "max": 1}]}"#,
            path: ".fsGroup.ranges[0].max"),
        BadCase(
            json: #""runAsUser": {"rule": "MustRunAs", "ranges": [{"min": -1, "max": 1}]}"#,
            path: ".runAsUser.ranges[0].min"),
        BadCase(
            json: #""runAsGroup": {"rule": "RunAsAny", "ranges": [{"min": 1, "max": 1}]}"#, path: ".runAsGroup.ranges"),
        BadCase(json: #""hostPorts": [{"min": 1, "max": 65536}]"#, path: ".hostPorts[0].max"),
        BadCase(json: #""hostPorts": [{"min": 1, "max": 2, "step": 1}]"#, path: ".hostPorts[0]"),
        BadCase(
            json: #""requiredDropCapabilities": ["A"], "allowedCapabilities": ["*"]"#,
            path: ".requiredDropCapabilities"),
        BadCase(
            json: #""requiredDropCapabilities": ["A"], "defaultAddCapabilities": ["B", "A"]"#,
            path: ".defaultAddCapabilities[1]"),
        BadCase(
            json: #""allowPrivilegeEscalation": false, "defaultAllowPrivilegeEscalation": true"#,
            path: ".defaultAllowPrivilegeEscalation"),
        BadCase(json: #""allowedProcMountTypes": ["default"]"#, path: ".allowedProcMountTypes[0]"),
        BadCase(json: #""allowedHostPaths": [{"readOnly": true}]"#, path: ".allowedHostPaths[0].pathPrefix"),
        BadCase(json: #""allowedHostPaths": [{"pathPrefix": "/a/../b"}]"#, path: ".allowedHostPaths[0].pathPrefix"),
        BadCase(json: #""allowedFlexVolumes": [{}]"#, path: ".allowedFlexVolumes[0].driver"),
        BadCase(json: #""allowedCSIDrivers": [{"name": "a_b"}]"#, path: ".allowedCSIDrivers[0].name"),
        BadCase(json: #""allowedUnsafeSysctls": ["a..b"]"#, path: ".allowedUnsafeSysctls[0]"),
        BadCase(json: #""forbiddenSysctls": ["*", "a"]"#, path: ".forbiddenSysctls"),
        BadCase(
            json: #""allowedUnsafeSysctls": ["kernel.a"], "forbiddenSysctls": ["kernel.*"]"#,
            path: ".allowedUnsafeSysctls[0]"),
        BadCase(
            json: #""runtimeClass": {"allowedRuntimeClassNames": ["a"], "defaultRuntimeClassName": "b"}"#,
            path: ".runtimeClass.allowedRuntimeClassNames"),
        BadCase(
            json: #""runtimeClass": {"allowedRuntimeClassNames": ["a", "a"]}"#,
            path: ".runtimeClass.allowedRuntimeClassNames[1]"),
        BadCase(json: #""allowedSeccompProfiles": ["RuntimeDefault"]"#, path: ".allowedSeccompProfiles[0]"),
        BadCase(json: #""defaultSeccompProfile": "localhost/../x""#, path: ".defaultSeccompProfile"),
        BadCase(json: #""defaultSeccompProfile": "*""#, path: ".defaultSeccompProfile"),
        BadCase(json: #""allowedAppArmorProfiles": ["x"]"#, path: ".allowedAppArmorProfiles[0]"),
    ]

    @Test(arguments: bad) func namesTheFieldThatIsWrong(_ test: BadCase) {
        let problem = #expect(throws: PodFieldError.self, "\(test.json)") { _ = try rules(test.json) }
        #expect(problem?.path == "spec.fields" + test.path, "\(test.json): \(problem?.message ?? "")")
    }

    @Test(arguments: ["a", "a.b-c_d.e", "*", "a.*", "a.b*", "kernel.msg*", "9"]) func sysctlPatterns(_ text: String) {
        #expect(NameFormat.isSysctlPattern(text))
    }

    @Test(arguments: ["", ".", "a.", ".a", "*.a", "a*b", "-a", "a-", "_*", "A", "a**", "a .b"])
    func noSysctlPatterns(_ text: String) {
        #expect(!NameFormat.isSysctlPattern(text))
    }
}
