// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Synchronization
import TestSupport
import Testing

/// Gatekeeper's objects in a real cluster that `bulwark serve` looks after.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionGatekeeperTests {
    static let templates = "/apis/templates.gatekeeper.sh/v1/constrainttemplates"
    static let constraints = "/apis/constraints.gatekeeper.sh/v1beta1"
    static let mutations = "/apis/mutations.gatekeeper.sh/v1"

    static func template(_ kind: String, _ rego: String, schema: String = "{}") -> String {
        let code = rego.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        return """
            {"apiVersion":"templates.gatekeeper.sh/v1","kind":"ConstraintTemplate","metadata":{"name":"\(kind.lowercased())"},\
            "spec":{"crd":{"spec":{"names":{"kind":"\(kind)"},"validation":{"openAPIV3Schema":\(schema)}}},\
            "targets":[{"target":"admission.k8s.gatekeeper.sh","rego":"\(code)"}]}}
            """
    }

    static func constraint(_ kind: String, _ name: String, _ spec: String) -> String {
        #"{"apiVersion":"constraints.gatekeeper.sh/v1beta1","kind":"\#(kind)","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
    }

    static let labels = template(
        "NeedsLabels",
        """
        package needslabels
        violation[{"msg": msg}] {
          wanted := input.parameters.labels[_]
          not input.review.object.metadata.labels[wanted]
          msg := sprintf("%v %v has no label %v", [input.review.kind.kind, input.review.object.metadata.name, wanted])
        }
        """,
        schema: #"{"type":"object","properties":{"labels":{"type":"array","items":{"type":"string"}}}}"#)

    /// `serve` that judges and looks after everything, and a token for its API.
    static func serving(
        _ world: AdmissionWorld, _ folder: ScratchFolder, _ more: [String] = []
    ) async throws -> (server: ServeProcess, token: String) {
        let server = try await ServeProcess(
            [
                "--kubeconfig", world.cluster.kubeconfig, "--schedule", "", "--admission", "--admission-install",
                "--admission-address", "127.0.0.1", "--admission-port", "0", "--admission-url", world.url,
                "--gatekeeper",
            ] + more, state: folder.path + "/state")
        let token = try await server.token(password: try #require(server.password))
        try await AdmissionInstallTests.wait {
            server.output.firstMatch(of: /judges at https:\/\/127\.0\.0\.1:(\d+)/) != nil
        }
        let port = try #require(
            server.output.firstMatch(of: /judges at https:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
        world.balancer.set([port])
        try await AdmissionInstallTests.wait {
            try await world.send(
                "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission"
            ).status == 200
        }
        return (server, token)
    }

    static func put(_ world: AdmissionWorld, template: String, kind: String) async throws {
        let made = try await world.send("POST", templates, template)
        try #require(made.status == 201, "\(made.text)")
        try await AdmissionInstallTests.wait {
            try await world.send("GET", "\(constraints)/\(kind.lowercased())").status == 200
        }
    }

    static func put(_ world: AdmissionWorld, constraint kind: String, _ name: String, _ spec: String) async throws {
        let made = try await world.send(
            "POST", "\(constraints)/\(kind.lowercased())", constraint(kind, name, spec))
        try #require(made.status == 201, "\(made.text)")
    }

    func configMap(
        _ world: AdmissionWorld, _ name: String, _ labels: String = "{}", query: String = ""
    ) async throws -> AdmissionWorld.Answer {
        try await world.send(
            "POST", "/api/v1/namespaces/shop/configmaps\(query)",
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)","labels":\#(labels)}}"#)
    }

    @Test(.timeLimit(.minutes(5))) func constraintsJudgeAuditAndReport() async throws {
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            // What is there before any constraint is found by the audit.
            #expect(try await configMap(world, "old").status == 201)
            let (server, token) = try await Self.serving(world, folder)
            try await Self.put(world, template: Self.labels, kind: "NeedsLabels")
            let match = #""match":{"kinds":[{"apiGroups":[""],"kinds":["ConfigMap"]}],"namespaces":["shop"]}"#
            try await Self.put(
                world, constraint: "NeedsLabels", "owner", #"{\#(match),"parameters":{"labels":["owner"]}}"#)
            try await Self.put(
                world, constraint: "NeedsLabels", "team",
                #"{\#(match),"enforcementAction":"warn","parameters":{"labels":["team"]}}"#)
            try await Self.put(
                world, constraint: "NeedsLabels", "cost",
                #"{\#(match),"enforcementAction":"dryrun","parameters":{"labels":["cost"]}}"#)

            // Denials and warnings.
            try await AdmissionInstallTests.wait {
                try await configMap(world, "probe", query: "?dryRun=All").status == 403
            }
            let refused = try await configMap(world, "bad")
            #expect(refused.status == 403 && refused.text.contains("[owner] ConfigMap bad has no label owner"))
            let warned = try await configMap(world, "half", #"{"owner":"a"}"#)
            #expect(warned.status == 201, "\(warned.text)")
            #expect(warned.warnings.contains("[team] ConfigMap half has no label team"), "\(warned.warnings)")
            #expect(!warned.warnings.contains("cost"))
            #expect(try await configMap(world, "good", #"{"owner":"a","team":"b","cost":"c"}"#).status == 201)

            // The audit found what was there, keeps up with changes, and says so in the constraints.
            func status(_ name: String) async throws -> Node? {
                try await world.send("GET", "\(Self.constraints)/needslabels/\(name)").json?["status"]
            }
            try await server.wait("the audit's status", seconds: 60) {
                let violations = try await status("owner")?["violations"]?.elements.map { Array([$0]) } ?? []
                return violations.joined().contains { $0["name"]?.string == "old" }
            }
            let owner = try #require(try await status("owner"))
            #expect(owner["totalViolations"]?.int == 1, "\(owner.json())")
            #expect(owner["violations"]?[0]?["message"]?.string == "ConfigMap old has no label owner")
            #expect(owner["violations"]?[0]?["kind"]?.string == "ConfigMap")
            #expect(owner["violations"]?[0]?["namespace"]?.string == "shop")
            #expect(owner["byPod"]?[0]?["enforced"]?.bool == true)
            #expect(owner["auditTimestamp"]?.string != nil)
            func open(_ name: String) async throws -> Set<String> {
                let page = try await server.get("findings?check=NeedsLabels/\(name)&limit=100", token)
                return Set(page["items"]?.elements.compactMap { $0["subject"]?["name"]?.string } ?? [])
            }
            try await server.wait("findings") { try await open("team") == ["old", "half"] }
            #expect(try await open("owner") == ["old"])
            #expect(try await open("cost") == ["old", "half"])
            let mended = try await world.send(
                "PATCH", "/api/v1/namespaces/shop/configmaps/old", #"{"metadata":{"labels":{"owner":"me"}}}"#,
                type: "application/merge-patch+json")
            #expect(mended.status == 200, "\(mended.text)")
            try await server.wait("what is mended is resolved") { try await open("owner").isEmpty }
            #expect(try await world.send("DELETE", "/api/v1/namespaces/shop/configmaps/half").status == 200)
            try await server.wait("what is gone is resolved") { try await open("team") == ["old"] }
            // A whole audit after a restart that missed a deletion.
            _ = try await server.end(SIGKILL)
            #expect(try await world.send("DELETE", "/api/v1/namespaces/shop/configmaps/old").status == 200)
            let again = try await ServeProcess(
                [
                    "--kubeconfig", world.cluster.kubeconfig, "--schedule", "", "--admission", "--admission-address",
                    "127.0.0.1", "--admission-port", "0", "--admission-url", world.url, "--gatekeeper",
                ], state: server.state)
            try await again.wait("what went unseen is resolved", seconds: 120) {
                let page = try await again.get("findings?check=NeedsLabels/team&limit=100", token)
                return page["total"]?.int == 0
            }
            #expect(try await again.end(SIGTERM).status == 0)
        }
    }

    @Test(.timeLimit(.minutes(5))) func brokenTemplatesReportThemselvesAndHarmNobody() async throws {
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            let (server, _) = try await Self.serving(world, folder)
            try await Self.put(world, template: Self.labels, kind: "NeedsLabels")
            try await Self.put(
                world, constraint: "NeedsLabels", "owner",
                #"{"match":{"kinds":[{"apiGroups":[""],"kinds":["ConfigMap"]}]},"parameters":{"labels":["owner"]}}"#)
            try await AdmissionInstallTests.wait {
                try await configMap(world, "probe", query: "?dryRun=All").status == 403
            }
            // Refused at the door, with a place.
            let broken = Self.template("Broken", "package broken\nviolation[{\"msg\": m}] { m := undefined_name }")
            let refused = try await world.send("POST", Self.templates, broken)
            #expect(refused.status == 422 || refused.status == 403, "\(refused.status)")
            #expect(
                refused.text.contains("undefined_name") && refused.text.contains("broken.rego:2"), "\(refused.text)")
            let wrong = try await world.send(
                "POST", "\(Self.constraints)/needslabels",
                Self.constraint("NeedsLabels", "wrong", #"{"enforcementAction":"forbid"}"#))
            #expect(wrong.text.contains("spec.enforcementAction must be one of"), "\(wrong.text)")
            // One that comes in while nobody answers says so in its status; the others go on.
            world.balancer.set([])
            _ = await world.balancer.cut()
            let made = try await world.send("POST", Self.templates, broken)
            #expect(made.status == 201, "\(made.text)")
            let port = try #require(
                server.output.firstMatch(of: /judges at https:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
            world.balancer.set([port])
            try await server.wait("the status of a broken template", seconds: 60) {
                let status = try await world.send("GET", "\(Self.templates)/broken").json?["status"]
                return status?["created"]?.bool == false
                    && status?["byPod"]?[0]?["errors"]?[0]?["message"]?.string?.contains("undefined_name") == true
            }
            let status = try await world.send("GET", "\(Self.templates)/needslabels").json?["status"]
            #expect(status?["created"]?.bool == true, "\(status?.json() ?? "")")
            #expect(try await configMap(world, "bad").status == 403)
            // A template that goes takes its kind with it.
            #expect(try await world.send("DELETE", "\(Self.templates)/needslabels").status == 200)
            try await server.wait("the kind is gone", seconds: 60) {
                try await world.send("GET", "\(Self.constraints)/needslabels").status == 404
            }
            #expect(try await configMap(world, "fine").status == 201)
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }

    @Test(.timeLimit(.minutes(5))) func mutatorsInventoryAndExpansionWork() async throws {
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            let (server, _) = try await Self.serving(world, folder)
            let mutators = [
                (
                    "assign",
                    #"{"apiVersion":"mutations.gatekeeper.sh/v1","kind":"Assign","metadata":{"name":"pull"},"spec":{"applyTo":[{"groups":[""],"versions":["v1"],"kinds":["Pod"]}],"location":"spec.containers[name:*].imagePullPolicy","parameters":{"assign":{"value":"Always"}}}}"#
                ),
                (
                    "assignmetadata",
                    #"{"apiVersion":"mutations.gatekeeper.sh/v1","kind":"AssignMetadata","metadata":{"name":"owner"},"spec":{"match":{"scope":"Namespaced","kinds":[{"apiGroups":["*"],"kinds":["Pod"]}]},"location":"metadata.labels.owner","parameters":{"assign":{"value":"shop"}}}}"#
                ),
            ]
            for (plural, text) in mutators {
                let made = try await world.send("POST", "\(Self.mutations)/\(plural)", text)
                #expect(made.status == 201, "\(made.text)")
            }
            var pod: Node?
            try await AdmissionInstallTests.wait {
                pod = try await world.pod("changed", good: true, query: "?dryRun=All").json
                return pod?["metadata"]?["labels"]?["owner"]?.string == "shop"
                    && pod?["spec"]?["containers"]?[0]?["imagePullPolicy"]?.string == "Always"
            }
            // A template that looks at other objects.
            let config = try await world.send(
                "POST", "/apis/syncset.gatekeeper.sh/v1alpha1/syncsets",
                #"{"apiVersion":"syncset.gatekeeper.sh/v1alpha1","kind":"SyncSet","metadata":{"name":"s"},"spec":{"gvks":[{"group":"","version":"v1","kind":"Service"}]}}"#
            )
            #expect(config.status == 201, "\(config.text)")
            try await Self.put(
                world,
                template: Self.template(
                    "OneSelector",
                    """
                    package oneselector
                    violation[{"msg": msg}] {
                      other := data.inventory.namespace[ns]["v1"]["Service"][name]
                      name != input.review.object.metadata.name
                      other.spec.selector == input.review.object.spec.selector
                      msg := sprintf("service %v/%v selects the same", [ns, name])
                    }
                    """), kind: "OneSelector")
            try await Self.put(
                world, constraint: "OneSelector", "one",
                #"{"match":{"kinds":[{"apiGroups":[""],"kinds":["Service"]}]}}"#)
            func service(_ name: String) async throws -> AdmissionWorld.Answer {
                try await world.send(
                    "POST", "/api/v1/namespaces/shop/services",
                    #"{"metadata":{"name":"\#(name)"},"spec":{"selector":{"app":"x"},"ports":[{"port":80}]}}"#)
            }
            #expect(try await service("first").status == 201)
            try await AdmissionInstallTests.wait {
                try await service("second-\(UUID().uuidString.lowercased().prefix(8))").text.contains(
                    "service shop/first selects the same")
            }
            // Pods that a Deployment will make are judged with it.
            let expansion = try await world.send(
                "POST", "/apis/expansion.gatekeeper.sh/v1beta1/expansiontemplate",
                #"{"apiVersion":"expansion.gatekeeper.sh/v1beta1","kind":"ExpansionTemplate","metadata":{"name":"e"},"spec":{"applyTo":[{"groups":["apps"],"versions":["v1"],"kinds":["Deployment"]}],"templateSource":"spec.template","generatedGVK":{"kind":"Pod","group":"","version":"v1"}}}"#
            )
            #expect(expansion.status == 201, "\(expansion.text)")
            try await Self.put(
                world,
                template: Self.template(
                    "NoHostNetwork",
                    "package nohostnetwork\nviolation[{\"msg\": \"the host's network\"}] { input.review.object.spec.hostNetwork }"
                ), kind: "NoHostNetwork")
            try await Self.put(
                world, constraint: "NoHostNetwork", "none",
                #"{"match":{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}}"#)
            try await AdmissionInstallTests.wait {
                let made = try await world.send(
                    "POST", "/apis/apps/v1/namespaces/shop/deployments?dryRun=All",
                    #"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"a.example/b:1"}]}}}}"#
                )
                return made.status == 403 && made.text.contains("the host's network")
            }
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }

    /// A replica that judges and a server that audits, each with the rights of `deploy/gatekeeper` and no more.
    @Test(.timeLimit(.minutes(5))) func twoProcessesNeedNoMoreThanTheirRights() async throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/audit.log"
        try folder.write(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", to: "audit.yaml")
        let flags = ["--audit-policy-file=\(folder.path)/audit.yaml", "--audit-log-path=\(log)"]
        try await AdmissionWorld.run(flags: flags) { world in
            _ = try await AdmissionDeploymentTests.deploy(world, more: ["gatekeeper/rights.yaml"])
            #expect(try await configMap(world, "old").status == 201)
            let config = try await AdmissionDeploymentTests.kubeconfig("bulwark-admission", world, folder)
            let replica = try await AdmissionProcess(config, url: world.url, ["--install", "--gatekeeper"])
            defer { replica.end(SIGKILL) }
            world.balancer.set([replica.port])
            try await AdmissionInstallTests.wait { try await world.send("GET", Self.templates).status == 200 }
            let server = try await ServeProcess(
                [
                    "--kubeconfig", try await AdmissionDeploymentTests.kubeconfig("bulwark-server", world, folder),
                    "--schedule", "", "--gatekeeper",
                ], state: folder.path + "/state")
            let token = try await server.token(password: try #require(server.password))
            try await Self.put(world, template: Self.labels, kind: "NeedsLabels")
            try await Self.put(
                world, constraint: "NeedsLabels", "owner",
                #"{"match":{"kinds":[{"apiGroups":["*"],"kinds":["*"]}],"namespaces":["shop"]},"parameters":{"labels":["owner"]}}"#
            )
            try await AdmissionInstallTests.wait {
                try await configMap(world, "probe", query: "?dryRun=All").status == 403
            }
            try await server.wait("the audit's status", seconds: 120) {
                let status = try await world.send("GET", "\(Self.constraints)/needslabels/owner").json?["status"]
                return (status?["totalViolations"]?.int ?? 0) > 0
            }
            let listed = try await server.get("constraints", token)["items"]?[0]
            #expect(listed?["name"]?.string == "owner" && (listed?["violations"]?.int ?? 0) > 0)
            let audit = try await server.get("constraintaudit", token)
            let missing = audit["missing"]?.elements.compactMap(\.string) ?? []
            #expect(missing.contains { $0.hasPrefix("secrets:") }, "\(missing)")
            let refused = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").filter { line in
                line.contains("system:serviceaccount:bulwark-system:") && line.contains(#""code":403"#)
                    && !line.contains("impersonatedUser")
                    // Kinds that nobody gave it to read are asked for once and named.
                    && !(line.contains("bulwark-server") && line.contains(#""verb":"list""#))
            }
            #expect(refused.isEmpty, "\(refused.joined(separator: "\n"))")
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }
}

/// The library's templates in numbers, and changes under load.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionGatekeeperLoadTests {
    private typealias Base = AdmissionGatekeeperTests

    /// Twenty templates of the library with a sample constraint of each; empty without the data.
    private static func library() throws -> [(template: Node, constraint: Node)] {
        let data = ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? TestCluster.root + "/../shared/data"
        let root = data + "/policy/gatekeeper-library"
        var found: [(Node, Node)] = []
        func read(_ path: String) throws -> Node? {
            guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
            return try DocumentReader.documents(in: [UInt8](bytes), source: path).first?.get().root
        }
        for area in ["pod-security-policy", "general"] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(area)"))?.sorted() ?? []
            for name in names where found.count < 20 {
                let samples = "\(root)/\(area)/\(name)/samples"
                guard let sample = try? FileManager.default.contentsOfDirectory(atPath: samples).min(),
                    let template = try read("\(root)/\(area)/\(name)/template.yaml"),
                    let constraint = try read("\(samples)/\(sample)/constraint.yaml")
                else { continue }
                found.append((template, constraint))
            }
        }
        if found.count < 20 { print("SKIPPED: no gatekeeper library at \(root); set BULWARK_DATA") }
        return found.count < 20 ? [] : found
    }

    @Test(.timeLimit(.minutes(8))) func aHundredConstraintsWhileTemplatesChange() async throws {
        let library = try Self.library()
        if library.isEmpty { return }
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            let (server, token) = try await Base.serving(world, folder)
            for (template, constraint) in library {
                let kind = try #require(constraint["kind"]?.string)
                try await Base.put(world, template: template.json(), kind: kind)
                for number in 0..<5 {
                    // Everything is found, nothing of the library's refused.
                    let parameters = constraint["spec"]?["parameters"]?.json() ?? "{}"
                    try await Base.put(
                        world, constraint: kind, "copy-\(number)",
                        #"{"enforcementAction":"dryrun","match":{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]},"parameters":\#(parameters)}"#
                    )
                }
            }
            try await Base.put(
                world,
                template: Base.template(
                    "NoHostNetwork",
                    "package nohostnetwork\nviolation[{\"msg\": \"the host's network\"}] { input.review.object.spec.hostNetwork }"
                ), kind: "NoHostNetwork")
            try await Base.put(
                world, constraint: "NoHostNetwork", "none", #"{"match":{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}}"#
            )
            @Sendable func pod(_ isBad: Bool) async throws -> Int {
                try await world.send(
                    "POST", "/api/v1/namespaces/shop/pods?dryRun=All",
                    #"{"metadata":{"name":"p"},"spec":{"hostNetwork":\#(isBad),"containers":[{"name":"c","image":"a.example/b:1"}]}}"#
                ).status
            }
            try await AdmissionInstallTests.wait { try await pod(true) == 403 }
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for worker in 0..<3 {
                    group.addTask {
                        var count = 0
                        while !isDone.isSet {
                            let isBad = (count + worker).isMultiple(of: 2)
                            let status = try await pod(isBad)
                            #expect(status == (isBad ? 403 : 201), "request \(count)")
                            count += 1
                        }
                        return count
                    }
                }
                for round in 0..<3 {
                    for (template, _) in library {
                        let name = try #require(template["metadata"]?["name"]?.string)
                        let changed = try await world.send(
                            "PATCH", "\(Base.templates)/\(name)",
                            #"{"metadata":{"annotations":{"round":"\#(round)"}},"spec":{"crd":{"spec":{"names":{"shortNames":["s\#(name.prefix(20))\#(round)"]}}}}}"#,
                            type: "application/merge-patch+json")
                        #expect(changed.status == 200, "\(changed.text)")
                    }
                }
                isDone.set()
                var asked = 0
                for try await count in group { asked += count }
                #expect(asked > 50)
            }
            // All hundred and one are in force and audited.
            try await server.wait("the audit after the last change", seconds: 60) {
                let items = try await server.get("constraints", token)["items"]?.elements.map { $0 } ?? []
                return items.count == 101 && items.allSatisfy { $0["problem"]?.string == "" }
            }
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }
}

/// Set once, by another task.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
