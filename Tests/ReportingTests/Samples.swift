// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

@testable import Reporting

/// A small run with every outcome, hostile names, wide characters and a masked secret.
enum Samples {
    static let hostNetwork = Check(
        id: "BW-HOST-001", slug: "host-network", area: "host", title: "Pod shares the host's network", severity: .high,
        why:
            "A process in the pod sees the node's interfaces and reaches services that listen on its loopback address.",
        remediation: "Remove `hostNetwork: true` from the pod's spec.",
        aliases: [("polaris", ["hostNetworkSet"]), ("checkov", ["CKV_K8S_19"])],
        controls: [("PSS", ["baseline"]), ("CIS", ["5.2.5"]), ("MITRE", ["T1611"])],
        references: ["https://kubernetes.io/docs/concepts/security/pod-security-standards/"], fixable: true)
    static let privileged = Check(
        id: "BW-PRIV-003", slug: "privileged", area: "privilege", title: "Container is privileged", severity: .critical,
        why: "A privileged container owns the node.", remediation: "Set securityContext.privileged to false.")
    static let secretEnv = Check(
        id: "BW-SEC-002", slug: "cleartext-secret-env", area: "secret", title: "Credential stands in the environment",
        severity: .medium, why: "Whoever may read the object reads the credential.",
        remediation: "Move the value to a Secret and refer to it with secretKeyRef.", sensitive: true)
    static let labels = Check(
        id: "BW-WL-007", slug: "labels", area: "workload", title: "Object lacks the recommended labels",
        severity: .informational, why: "", remediation: "")
    static let readiness = Check(
        id: "BW-REL-001", slug: "readiness-probe", area: "reliability", title: "Container has no readiness probe",
        severity: .low, why: "Traffic arrives before the container can serve it.", remediation: "Add a readinessProbe.")

    static let checks = [privileged, secretEnv, labels, readiness, hostNetwork]
    static let cart = Subject(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "cart")
    static let hostile = Subject(
        apiVersion: "v1", kind: "Pod", namespace: "", name: "\u{1b}[31mred<script>alert('x')</script>&\u{202e}")
    static let role = Subject(
        cluster: "prod", apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: "ops")
    static let time: Int64 = 1_772_357_400

    static let exemption = Exemption(
        id: "ex-1", owner: "payments", reason: "needs the \"host\" <network>", expiry: 1_800_000_000,
        checks: ["host-network"])

    static func context(source: String = "examples/shop") -> ReportContext {
        ReportContext(toolVersion: "0.1.0", time: time, source: source, checks: checks)
    }

    static func result(
        _ check: Check, _ outcome: Outcome, _ subject: Subject = cart, container: String = "", message: String = "",
        path: String = "", value: String = "", source: SourceLocation? = nil, number: UInt64 = 0,
        exemption: Exemption? = nil
    ) -> CheckResult {
        CheckResult(
            check: check, outcome: outcome, subject: subject, container: container, message: message, path: path,
            value: value, source: source, fingerprint: Fingerprint(high: 0xbead_0000_0000_0000, low: number),
            exemption: exemption)
    }

    static let results: [CheckResult] = [
        result(
            readiness, .fail, container: "app", message: "Container app has no readinessProbe",
            path: "spec.template.spec.containers[0]",
            source: SourceLocation(file: "./examples/shop/cart.yaml", line: 17),
            number: 1),
        result(
            privileged, .fail, container: "app", message: "Container app runs privileged",
            path: "spec.template.spec.containers[0].securityContext.privileged", value: "true",
            source: SourceLocation(file: "./examples/shop/cart.yaml", line: 21), number: 2),
        result(
            hostNetwork, .skip, message: "hostNetwork is true", path: "spec.template.spec.hostNetwork", value: "true",
            source: SourceLocation(file: "./examples/shop/cart.yaml", line: 9), number: 3, exemption: exemption),
        result(
            secretEnv, .warn, container: "app", message: "Variable DB_PASSWORD holds a credential",
            path: "spec.template.spec.containers[0].env[3].value", value: "\"masked: 16 characters, 9f1c2ab4\"",
            source: SourceLocation(file: "./examples/shop/cart.yaml", line: 40), number: 4),
        result(labels, .pass, message: "All labels are there", number: 5),
        result(
            hostNetwork, .fail, hostile, message: "hostNetwork is\u{9b}31m true\r\n\u{7}, 名前は日本語です 🚀",
            path: "spec.hostNetwork", value: "\"</td><img src=x onerror=alert(1)>\u{2028}\"",
            source: SourceLocation(file: "dir with space/ü%.yaml", line: 3), number: 6),
        result(
            privileged, .error, hostile, container: "sidecar", message: "privileged is not a boolean",
            path: "spec.containers[0].securityContext.privileged", value: "\"maybe\"",
            source: SourceLocation(file: "-", line: 0), number: 7),
        result(labels, .skip, hostile, message: "not a workload", number: 8),
        result(
            labels, .fail, role, message: "Label app.kubernetes.io/name is missing", path: "metadata.labels", number: 9),
    ]

    static var summary: Summary {
        var summary = Summary()
        summary.objects = 4
        summary.subjects = 3
        for result in results { summary.add(result.outcome, result.check.severity) }
        return summary
    }

    static func encode(
        _ format: OutputFormat, _ options: EncodingOptions = EncodingOptions(), results: [CheckResult] = results,
        summary: Summary = summary, context: ReportContext = context()
    ) -> String {
        var bytes: [UInt8] = []
        var encoder = makeEncoder(format, options: options) { bytes.append(contentsOf: $0) }
        encoder.begin(context)
        for result in results { encoder.add(result) }
        encoder.finish(summary)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What the terminal would act upon.
    static func controls(_ text: String) -> [Unicode.Scalar] {
        text.unicodeScalars.filter {
            ($0.value < 0x20 && $0 != "\n") || (0x7f..<0xa0).contains($0.value) || $0 == "\u{202e}" || $0 == "\u{2028}"
        }
    }
}
