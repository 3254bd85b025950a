// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

/// Nothing that is planted as a secret shows in any output: each place of a manifest holds its own recognisable text, and every
/// format is searched for it, as is standard error.
@Suite struct SecretsTests {
    private static let formats = ["table", "json", "yaml", "sarif", "junit", "html", "policyreport"]

    /// The mark of every planted secret. What stands in a Secret's data is base64 of it as well.
    private static let mark = "hunter2"

    private static func secret(_ place: String) -> String { "\(mark)-\(place)-x9" }

    private func expectSilence(
        _ arguments: [String], folder: ScratchFolder, allowed: Set<Int32>, finds: [String] = [],
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for format in Self.formats {
            let run = try await CommandRun.bulwark(
                ["inspect", "--output", format, "--all"] + arguments, folder: folder.path)
            #expect(allowed.contains(run.status), "\(format): \(run.status) \(run.errors)", sourceLocation: location)
            for text in [run.output, run.errors] {
                let shown = leaks(in: text)
                #expect(shown.isEmpty, "\(format) shows \(shown)", sourceLocation: location)
            }
            for text in finds {
                #expect(run.output.contains(text), "\(format) lacks \(text)", sourceLocation: location)
            }
        }
    }

    /// The lines that show the mark, also in base64 (three alignments), in hexadecimal and backwards.
    private func leaks(in text: String) -> [String] {
        var forms = [Self.mark, String(Self.mark.reversed()), Self.mark.utf8.map { String($0, radix: 16) }.joined()]
        for shift in 0..<3 {
            let data = Data(repeating: 0x20, count: shift) + Data(Self.mark.utf8)
            let code = data.base64EncodedString().replacing("=", with: "")
            // The outer characters of a shifted code depend on the neighbours.
            forms.append(String(code.dropFirst(shift == 0 ? 0 : shift + 1).dropLast(2)))
        }
        return text.split(separator: "\n").filter { line in forms.contains { line.contains($0) } }.map {
            String($0.prefix(300))
        }
    }

    private static let workload = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: default
          annotations:
            kubectl.kubernetes.io/last-applied-configuration: '{"env":"\(secret("applied"))"}'
            example.com/password: \(secret("annotation"))
          managedFields: [{manager: \(secret("managed"))}]
        spec:
          replicas: 1
          selector: {matchLabels: {app: web}}
          template:
            metadata:
              labels: {app: web, token: \(secret("label"))}
              annotations:
                note: \(secret("template-annotation"))
                container.apparmor.security.beta.kubernetes.io/web: unconfined
            spec:
              hostNetwork: true
              hostAliases: [{ip: 10.0.0.1, hostnames: [\(secret("alias"))]}]
              imagePullSecrets: [{name: pull}]
              volumes:
                - {name: host, hostPath: {path: /var/run/docker.sock}}
                - name: flex
                  flexVolume: {driver: example/nfs, options: {share: "\(secret("flex"))", password: "\(secret("flexpw"))"}}
                - name: iscsi
                  iscsi: {targetPortal: 10.0.0.1, iqn: "\(secret("iscsi"))", chapAuthSession: true}
              initContainers:
                - name: first
                  image: registry.example.com/tool
                  command: [sh, -c, "sudo login --password \(secret("init"))"]
              containers:
                - name: web
                  image: 10.1.2.3/shop/web:latest
                  command: [sudo, server, "--token=\(secret("command"))"]
                  args: ["--password", "\(secret("args"))"]
                  env:
                    - {name: DB_PASSWORD, value: "\(secret("env"))"}
                    - {name: DB_PASSWORD, value: "\(secret("env-again"))"}
                    - {name: PLAIN, value: "\(secret("plain"))"}
                    - {name: DATABASE_URL, value: "postgres://app:\(secret("url"))@db/shop"}
                    - {name: FROM, valueFrom: {secretKeyRef: {name: db, key: password}}}
                  securityContext: {privileged: true, unknown: "\(secret("context"))"}
                  volumeMounts: [{name: host, mountPath: /sock, note: "\(secret("mount"))", password: "\(secret("mountpw"))"}]
                  ports: [{containerPort: 22, hostPort: 22}]
                  livenessProbe:
                    httpGet:
                      host: https://admin:\(secret("probe-host"))@example.com
                      port: 1
                      path: /health?token=\(secret("probe-path"))
                      httpHeaders: [{name: Authorization, value: "Bearer \(secret("header"))"}]
                  lifecycle:
                    postStart: {exec: {command: [login, "\(secret("hook"))"]}}
        """

    private static let others = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, namespace: shop}
        data:
          password: "\(secret("config"))"
          app.properties: "user=app\\ndb.password=\(secret("config-file"))\\n"
          key.pem: "-----BEGIN \("PRIVATE") KEY-----\\n\(secret("config-key"))\\n-----END PRIVATE KEY-----\\n"
        binaryData: {blob: "\(secret("binary"))"}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: db, namespace: shop, annotations: {old: "\(secret("secret-annotation"))"}}
        data: {password: \(Data(secret("data").utf8).base64EncodedString())}
        stringData: {other: "\(secret("stringdata"))"}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: gate
          namespace: shop
          annotations:
            nginx.ingress.kubernetes.io/configuration-snippet: 'proxy_set_header Authorization "\(secret("snippet"))";'
        spec: {rules: [{host: shop.example.com}]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader, namespace: shop}
        rules:
          - {apiGroups: [""], resources: [secrets], verbs: [get, "*"], token: "\(secret("rule"))"}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop, annotations: {token: "\(secret("service"))"}}
        spec: {type: LoadBalancer, externalIPs: [192.0.2.1], ports: [{port: 80}], selector: {app: web}}
        ---
        apiVersion: example.com/v1
        kind: Gadget
        metadata: {name: custom}
        spec: {password: "\(secret("custom"))"}
        """

    @Test func manifestsFullOfSecrets() async throws {
        let folder = try ScratchFolder()
        try folder.write(Self.workload, to: "workload.yaml")
        try folder.write(Self.others, to: "others.yaml")
        try await expectSilence(["."], folder: folder, allowed: [0], finds: ["DB_PASSWORD", "BW-SEC-001"])
    }

    /// A secret on a line that cannot be read, or where another type belongs.
    @Test(arguments: [
        "kind: Secret\nstringData:\n  password: \"hunter2\n",
        "kind: Secret\nstringData:\n  password: *hunter2\n",
        "kind: Secret\nstringData:\n  password: &hunter2 [*hunter2]\n",
        "kind: Secret\nstringData:\n  password: !!int hunter2\n",
        "kind: Secret\nstringData:\n  password: !hunter2 x\n",
        "kind: Secret\nstringData:\n  password: !!hunter2 x\n",
        "kind: Secret\nstringData:\n  password: @hunter2\n",
        "kind: Secret\nstringData:\n  password: `hunter2`\n",
        "kind: Secret\nstringData:\n  password: %hunter2\n",
        "kind: Secret\nstringData:\n  password: hunter2: x\n",
        "kind: Secret\nstringData:\n  password: \"\\hunter2\"\n",
        "kind: Secret\nstringData:\n  password:\n    hunter2\n   hunter2: [\n",
        "kind: Secret\nstringData: {password: hunter2, password: hunter2}\n",
        "%hunter2\n---\nkind: Secret\n",
        "{\"kind\": \"Secret\", \"stringData\": {\"password\": \"hunter2}}",
        "{\"kind\": \"Secret\", \"stringData\": {\"password\": hunter2\"}}",
        "{\"kind\": \"Secret\", \"stringData\": {\"password\": \"hunter2\" \"hunter2\"}}",
        "{\"kind\": \"Secret\", \"stringData\": {\"password\": \"\\hunter2\"}}",
        "{\"kind\": \"List\", \"items\": [\"hunter2\", {\"kind\": [\"hunter2\"]}, {\"kind\": \"Pod\", \"metadata\": \"hunter2\"}]}",
        "kind: [hunter2]\n",
        "kind: PodList\nitems: hunter2\n",
        "kind: Pod\nmetadata: hunter2\n",
    ]) func brokenFiles(_ text: String) async throws {
        let folder = try ScratchFolder()
        try folder.write(text, to: "broken.yaml")
        try await expectSilence(["broken.yaml"], folder: folder, allowed: [0, 2, 3])
    }

    /// Every field of the workload in turn holds a secret text instead of what belongs there.
    @Test func wrongTypes() async throws {
        let folder = try ScratchFolder()
        let secret = "\"\(Self.secret("type"))\""
        var number = 0
        for line in Self.wrongFields {
            number += 1
            try folder.write(
                """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: odd-\(number), namespace: shop}
                spec:
                  template:
                    metadata: {labels: {app: a}}
                    spec:
                \(line.replacing("SECRET", with: secret))
                """, to: "odd-\(number).yaml")
        }
        try await expectSilence(["."], folder: folder, allowed: [3], finds: ["odd-1"])
    }

    private static let wrongFields: [String] =
        [
            "hostNetwork", "hostPID", "hostIPC", "hostUsers", "volumes", "securityContext",
            "automountServiceAccountToken",
            "containers", "initContainers", "hostAliases", "topologySpreadConstraints", "affinity",
        ].map { "      \($0): SECRET\n" + ($0 == "containers" ? "" : "      containers: [{name: a, image: b}]") }
        + [
            "ports", "env", "resources", "securityContext", "livenessProbe", "readinessProbe", "lifecycle",
            "volumeMounts",
            "image: [x, SECRET], command", "imagePullPolicy: [SECRET], args", "tty", "stdin",
            "securityContext: {privileged: SECRET}, x", "securityContext: {runAsUser: SECRET}, x",
            "securityContext: {runAsNonRoot: SECRET}, x", "securityContext: {capabilities: SECRET}, x",
            "securityContext: {capabilities: {add: [{a: SECRET}]}}, x", "securityContext: {seccompProfile: SECRET}, x",
            "securityContext: {allowPrivilegeEscalation: SECRET}, x", "securityContext: {procMount: [SECRET]}, x",
            "env: [SECRET], x", "env: [{name: [SECRET]}], x", "env: [{name: PASSWORD, value: [SECRET]}], x",
            "env: [{name: PASSWORD, value: {a: SECRET}}], x", "ports: [{hostPort: SECRET}], x",
            "ports: [{containerPort: SECRET}], x", "livenessProbe: {httpGet: {port: SECRET}}, x",
            "livenessProbe: {httpGet: {port: [SECRET]}}, x", "livenessProbe: {httpGet: {host: [SECRET]}}, x",
            "image: 'app@\(secret("image"))', x", "image: 'https://app:\(secret("login"))@registry.example.com/x:1', x",
            "resources: {limits: SECRET}, x", "volumeMounts: [SECRET], x",
            "volumeMounts: [{name: SECRET, subPath: [SECRET]}], x",
        ].map { "      containers: [{name: a, \($0): SECRET}]" }

    /// The exemptions file and the kubeconfig are input too.
    @Test func otherFiles() async throws {
        let folder = try ScratchFolder()
        try folder.write(InspectCLIBadInputTests.good, to: "good.yaml")
        for text in [
            "exemptions: hunter2", "exemptions: [hunter2]", "exemptions:\n- owner: [hunter2]\n", "exemptions: *hunter2",
            "exemptions:\n- {owner: a, reason: b, expires: hunter2}\n", "exemptions: \"hunter2",
        ] {
            try folder.write(text, to: "exemptions.txt")
            try await expectSilence(
                ["good.yaml", "--exemptions", "exemptions.txt"], folder: folder, allowed: [2])
        }
    }

    /// The masks of one run tell equal values from different ones; those of two runs cannot be compared, so nobody can try words
    /// against a report that got away.
    @Test func masksTellLengthAndEqualityOnly() async throws {
        func masks() async throws -> [String] {
            let pods = ["a": "same-value-1", "b": "same-value-1", "c": "other-value2"].sorted { $0.key < $1.key }.map {
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: \($0.key)}
                spec: {containers: [{name: a, image: b, env: [{name: PASSWORD, value: \($0.value)}]}]}
                """
            }
            let run = try await CommandRun.bulwark(
                ["inspect", "-", "--check", "cleartext-secret-env", "--output", "json"],
                input: pods.joined(separator: "\n---\n"))
            #expect(run.status == 0)
            return run.output.matches(of: /\((\d+) bytes, ([0-9a-f]{8})\)/).map { "\($0.1) \($0.2)" }
        }
        let (first, second) = (try await masks(), try await masks())
        try #require(first.count == 3 && second.count == 3, "\(first)")
        #expect(first[0] == first[1] && first[0] != first[2])
        #expect(first.allSatisfy { $0.hasPrefix("12 ") })
        #expect(Set(first).isDisjoint(with: second))
    }
}
