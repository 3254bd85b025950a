// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Findings
import Foundation
import ImagePolicies
import NIOCore
import TestSupport
import Testing

/// Pods judged by the scans of their images, on a real API server. The test writes the scans' statuses, as the server would.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionImagesTests {
    static let policies = "/apis/policy.bulwark.dev/v1/imagepolicies"
    static let scans = "/apis/images.bulwark.dev/v1/imagescans"
    static let webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission"
    static let good = "registry.example.com/shop/good:1"
    static let bad = "registry.example.com/shop/bad:1"

    static func policy(_ name: String, _ spec: String) -> String {
        #"{"apiVersion":"policy.bulwark.dev/v1","kind":"ImagePolicy","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
    }

    static func spec(_ image: String) -> String { #"{"containers":[{"name":"app","image":"\#(image)"}]}"# }

    static func pod(
        _ world: AdmissionWorld, _ name: String, _ image: String, in namespace: String = "shop", query: String = ""
    ) async throws -> AdmissionWorld.Answer {
        try await world.send(
            "POST", "/api/v1/namespaces/\(namespace)/pods\(query)",
            #"{"metadata":{"name":"\#(name)"},"spec":\#(spec(image))}"#)
    }

    static func verdict(_ image: String, _ change: (inout ImageVerdict) -> Void = { _ in }) -> ImageVerdict {
        var verdict = ImageVerdict(reference: image, phase: .complete)
        verdict.digest = "sha256:" + String(repeating: "ab", count: 32)
        let now = Int64(Date().timeIntervalSince1970)
        (verdict.scanned, verdict.resolved, verdict.advisories) = (now, now, now - 3600)
        change(&verdict)
        return verdict
    }

    /// What the server that scans does: the object, where it is missing, and its status.
    static func write(_ world: AdmissionWorld, _ verdict: ImageVerdict) async throws {
        let made = try await world.send("POST", scans, ImageScan.object(verdict.reference))
        #expect(made.status == 201 || made.status == 409, "\(made.text)")
        let written = try await world.send(
            "PATCH", "\(scans)/\(ImageScan.name(of: verdict.reference))/status", ImageScan.statusPatch(verdict),
            type: "application/merge-patch+json")
        #expect(written.status == 200, "\(written.text)")
        let stored = try #require(written.json)
        #expect(try ImageScan.verdict(of: stored) == verdict, "the API server keeps every field")
    }

    static func installed(_ world: AdmissionWorld) async throws {
        try await AdmissionInstallTests.wait {
            let found = try await world.send("GET", webhooks)
            return found.status == 200 && found.text.contains("images.policy.bulwark.dev")
        }
    }

    @Test(.timeLimit(.minutes(5))) func podsAreJudgedByTheScansOfTheirImages() async throws {
        try await AdmissionWorld.run(flags: ["--feature-gates=EphemeralContainers=true"]) { world in
            let replica = try await world.replica(["--install", "--image-policies"])
            defer { replica.end(SIGKILL) }
            world.balancer.set([replica.port])
            try await Self.installed(world)

            // Without a policy nothing is asked. With one, an image that nobody scanned is refused, and asked for.
            #expect(try await Self.pod(world, "before", "nginx").status == 201)
            let made = try await world.send(
                "POST", Self.policies,
                Self.policy(
                    "strict",
                    #"{"namespaces":{"names":["shop"]},"rules":{"vulnerabilities":[{"severity":"critical","onlyFixable":true}],"malware":true,"maxScanAge":"7d"}}"#
                ))
            #expect(made.status == 201, "\(made.text)")
            try await AdmissionInstallTests.wait {
                try await Self.pod(world, "p", Self.good, query: "?dryRun=All").status == 403
            }
            #expect(try await world.send("GET", "\(Self.scans)/\(ImageScan.name(of: Self.good))").status == 404)
            let missing = try await Self.pod(world, "good", Self.good)
            #expect(missing.status == 403, "\(missing.text)")
            #expect(
                missing.text.contains(
                    "has not been scanned yet; the scan was asked for; to pass, try again once the ImageScan good-"),
                "\(missing.text)")
            try await AdmissionInstallTests.wait {
                let asked = try await world.send("GET", "\(Self.scans)/\(ImageScan.name(of: Self.good))")
                return asked.json?["spec"]?["image"]?.string == Self.good
            }
            #expect(try await Self.pod(world, "elsewhere", Self.good, in: "default").status == 201)

            // Clean, it passes; and what was found is told with the way out.
            try await Self.write(world, Self.verdict(Self.good))
            try await AdmissionInstallTests.wait { try await Self.pod(world, "good", Self.good).status != 403 }
            try await Self.write(
                world,
                Self.verdict(Self.bad) {
                    $0.vulnerabilities = [.critical: .init(total: 3, fixable: 2)]
                    $0.worst = [
                        .init(
                            id: "CVE-2024-1", severity: .critical, package: "openssl", version: "3.0.11",
                            fixedVersion: "3.0.17"),
                        .init(id: "CVE-2024-2", severity: .critical, package: "zlib", version: "1.2"),
                    ]
                })
            try await AdmissionInstallTests.wait {
                try await Self.pod(world, "bad", Self.bad, query: "?dryRun=All").text.contains("critical")
            }
            let refused = try await Self.pod(world, "bad", Self.bad)
            #expect(
                refused.json?["message"]?.string?.contains(
                    """
                    pod shop/bad is not accepted by the image policy strict:
                      container "app": registry.example.com/shop/bad:1 has 2 critical vulnerabilities, both mended by an upgrade; to pass, upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1) and what mends 1 more
                    """) == true, "\(refused.text)")

            // A running pod can be mended and labelled, not made worse; and debug containers are judged.
            let change = #"{"spec":{"containers":[{"name":"app","image":"\#(Self.bad)"}]}}"#
            func patch(_ change: String) async throws -> AdmissionWorld.Answer {
                try await world.send(
                    "PATCH", "/api/v1/namespaces/shop/pods/good", change, type: "application/strategic-merge-patch+json"
                )
            }
            #expect(try await patch(change).status == 403)
            #expect(try await patch(#"{"metadata":{"labels":{"a":"b"}}}"#).status == 200)
            let before = #"{"spec":{"containers":[{"name":"app","image":"\#(Self.good)"}]}}"#
            #expect(
                try await world.send(
                    "PATCH", "/api/v1/namespaces/shop/pods/before", before,
                    type: "application/strategic-merge-patch+json"
                ).status == 200)
            let debug = try await world.send(
                "PUT", "/api/v1/namespaces/shop/pods/good/ephemeralcontainers",
                #"{"apiVersion":"v1","kind":"EphemeralContainers","metadata":{"name":"good"},"ephemeralContainers":[{"name":"d","image":"\#(Self.bad)","imagePullPolicy":"Always","terminationMessagePolicy":"File"}]}"#
            )
            #expect(debug.status == 403 && debug.text.contains("2 critical vulnerabilities"), "\(debug.text)")

            // A template is warned of, and stored.
            let deployment = try await world.send(
                "POST", "/apis/apps/v1/namespaces/shop/deployments",
                #"{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":\#(Self.spec(Self.bad))}}}"#
            )
            #expect(deployment.status == 201, "\(deployment.text)")
            #expect(
                deployment.warnings.contains("a pod of this Deployment is not accepted now by the image policy strict"),
                "\(deployment.warnings)")

            // What was refused stands in the policy's status.
            try await AdmissionInstallTests.wait {
                let status = try await world.send("GET", Self.policies + "/strict").json?["status"]
                return status?["refusals"]?["lastHour"]?.int ?? 0 >= 4
                    && status?["conditions"]?[0]?["status"]?.string == "True"
                    && status?["refusals"]?["recent"]?[0]?["message"]?.string?.contains("critical") == true
            }
            try await Self.previews(world)
            try await Self.holds(world, replica)
            try await Self.hostile(world)
        }
    }

    /// What a policy would refuse of what runs, told before it counts.
    private static func previews(_ world: AdmissionWorld) async throws {
        let folder = try ScratchFolder()
        func preview(_ spec: String, _ options: String...) async throws -> (run: CommandRun, report: Node?) {
            let file = try folder.write(policy("new", spec), to: "policy.json")
            let run = try await CommandRun.bulwark(
                ["policy", "preview", "-f", file, "--kubeconfig", world.cluster.kubeconfig, "-o", "json"] + options)
            return (run, try? JSONReader.read(Array(run.output.utf8), source: "report").root)
        }
        func outcomes(_ report: Node?) -> [String] {
            report?["results"]?.elements.map {
                let subject = $0["subject"]
                return [
                    $0["outcome"]?.string ?? "", subject?["kind"]?.string ?? "", subject?["name"]?.string ?? "",
                    $0["isNew"]?.bool == true ? "new" : "as now",
                ].joined(separator: " ")
            } ?? []
        }
        // Switched off it is tried all the same; the policy that counts refuses the same today.
        let spec = #"{"enabled":false,"rules":{"vulnerabilities":[{"severity":"critical"}]}}"#
        let (run, report) = try await preview(spec, "--namespace", "shop")
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(
            outcomes(report) == [
                "refused Deployment d as now", "unchanged Pod before as now", "unchanged Pod good as now",
            ], "\(run.output)")
        let violation = report?["results"]?[0]?["refusals"]?[0]?["violations"]?[0]
        #expect(violation?["path"]?.string == "spec.template.spec.containers[0].image", "\(run.output)")
        #expect(
            violation?["message"]?.string?.hasPrefix("the image has 3 critical vulnerabilities, 2 of them") == true,
            "\(run.output)")
        #expect(try await preview(spec, "--fail").run.status == 1)
        // By name alone; elsewhere nobody asks for it yet.
        let pinned = try await preview(
            #"{"mode":"warn","namespaces":{"names":["default"]},"rules":{"requireDigest":true}}"#)
        #expect(outcomes(pinned.report) == ["warned Pod elsewhere new"], "\(pinned.run.output)")
        #expect(pinned.report?["summary"]?["notBound"]?.int == 3, "\(pinned.run.output)")
        let wrong = try await preview(#"{"rules":{"malwear":true}}"#).run
        #expect(wrong.status == 2 && wrong.errors.contains("ImagePolicy new: spec.rules"), "\(wrong.errors)")
    }

    /// whenMissing: wait.
    private static func holds(_ world: AdmissionWorld, _ replica: AdmissionProcess) async throws {
        let late = "registry.example.com/shop/late:1"
        let changed = try await world.send(
            "PATCH", policies + "/strict", #"{"spec":{"whenMissing":"wait","waitSeconds":12}}"#,
            type: "application/merge-patch+json")
        #expect(changed.status == 200 && changed.warnings.isEmpty, "\(changed.text) \(changed.warnings)")
        // Known by the replica once a pod of a new image is no longer refused at once.
        try await Task.sleep(for: .seconds(1))
        let start = ContinuousClock.now
        async let held = pod(world, "late", late)
        try await AdmissionInstallTests.wait {
            try await world.send("GET", "\(scans)/\(ImageScan.name(of: late))").status == 200
        }
        // Others are judged meanwhile.
        #expect(try await pod(world, "p", good, query: "?dryRun=All").status == 201)
        #expect(try await pod(world, "p", bad, query: "?dryRun=All").status == 403)
        var scanning = ImageVerdict(reference: late, phase: .scanning)
        scanning.message = "layer 1 of 3"
        try await write(world, scanning)
        try await Task.sleep(for: .milliseconds(300))
        try await write(world, verdict(late))
        let answer = try await held
        #expect(answer.status == 201, "\(answer.text)")
        #expect(start.duration(to: .now) > .milliseconds(300))
        let probe = HTTPClientRequest(url: "http://127.0.0.1:\(replica.probePort)/metrics")
        let counted = String(
            buffer: try await HTTPClient.shared.execute(probe, timeout: .seconds(20)).body.collect(upTo: 1 << 20))
        #expect(counted.contains(#"bulwark_admission_image_holds_total{outcome="admitted"} 1"#), "\(counted)")

        // Nobody scans: the pod is refused before the API server gives up on the webhook.
        let never = "registry.example.com/shop/never:1"
        let short = try await world.send(
            "PATCH", policies + "/strict", #"{"spec":{"waitSeconds":28}}"#, type: "application/merge-patch+json")
        #expect(short.warnings.contains("pods are held for at most 14 seconds"), "\(short.warnings)")
        try await Task.sleep(for: .seconds(1))
        let begin = ContinuousClock.now
        let refused = try await pod(world, "never", never)
        #expect(refused.status == 403 && refused.text.contains("waits for its scan"), "\(refused.text)")
        let time = begin.duration(to: .now)
        #expect(time > .seconds(10) && time < .seconds(15), "\(time)")
        // A scan that failed is not waited for.
        var failed = ImageVerdict(reference: never, phase: .failed)
        failed.message = "registry.example.com asks for credentials"
        try await write(world, failed)
        try await AdmissionInstallTests.wait {
            try await pod(world, "never", never).text.contains("registry.example.com asks for credentials")
        }
    }

    /// Objects of somebody who wants images to look clean, or nothing to start.
    private static func hostile(_ world: AdmissionWorld) async throws {
        let broken = try await world.send("POST", policies, policy("broken", #"{"rules":{"malware":"yes"}}"#))
        #expect(broken.status == 422, "\(broken.text)")
        let pattern = try await world.send("POST", policies, policy("pattern", #"{"images":["a b"],"rules":{}}"#))
        #expect(pattern.status == 422 && pattern.text.contains("spec.images[0]"), "\(pattern.text)")
        // A status comes only through its own door.
        let forged = "registry.example.com/shop/forged:1"
        let status = String(ImageScan.statusPatch(verdict(forged)).dropFirst())
        let object = ImageScan.object(forged).dropLast() + "," + status
        #expect(try await world.send("POST", scans, String(object)).status == 201)
        let stored = try await world.send("GET", "\(scans)/\(ImageScan.name(of: forged))")
        #expect(stored.json?["status"] == nil, "\(stored.text)")
        // An object for another image than its name says, and one with numbers that do not add up.
        let other = "registry.example.com/shop/other:1"
        let wrong = ImageScan.object(good).replacing(ImageScan.name(of: good), with: ImageScan.name(of: other))
        #expect(try await world.send("POST", scans, wrong).status == 201)
        let written = try await world.send(
            "PATCH", "\(scans)/\(ImageScan.name(of: other))/status", ImageScan.statusPatch(verdict(good)),
            type: "application/merge-patch+json")
        #expect(written.status == 200)
        let lying = ImageScan.statusPatch(verdict(forged)).replacing(
            #""total":0,"critical":0"#, with: #""total":0,"critical":9"#)
        #expect(
            try await world.send(
                "PATCH", "\(scans)/\(ImageScan.name(of: forged))/status", lying, type: "application/merge-patch+json"
            ).status == 200)
        for (image, why) in [(other, "metadata.name is not the name of"), (forged, "status.vulnerabilities.total")] {
            try await AdmissionInstallTests.wait {
                let answer = try await pod(world, "p", image)
                return answer.status == 500 && answer.text.contains(why)
            }
        }
        try await AdmissionInstallTests.wait {
            let conditions = try await world.send("GET", policies + "/strict").json?["status"]?["conditions"]
            return conditions?[1]?["type"]?.string == "ScansReadable" && conditions?[1]?["status"]?.string == "False"
                && conditions?[1]?["message"]?.string?.contains("2 ImageScan objects cannot be read") == true
        }
        // The way out is in the refusal.
        for image in [other, forged] {
            #expect(try await world.send("DELETE", "\(scans)/\(ImageScan.name(of: image))").status == 200)
        }
        try await write(world, verdict(forged))
        try await AdmissionInstallTests.wait { try await pod(world, "forged", forged).status == 201 }
    }

    /// A replica with the rights of deploy/images, and no more.
    @Test(.timeLimit(.minutes(5))) func replicasNeedNoMoreThanTheirRights() async throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/audit.log"
        try folder.write(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", to: "audit.yaml")
        let flags = ["--audit-policy-file=\(folder.path)/audit.yaml", "--audit-log-path=\(log)"]
        try await AdmissionWorld.run(flags: flags) { world in
            _ = try await AdmissionDeploymentTests.deploy(
                world, more: ["images/crds/imagescans.yaml", "images/crds/imagepolicies.yaml", "images/rights.yaml"])
            let config = try await AdmissionDeploymentTests.kubeconfig("bulwark-admission", world, folder)
            let replica = try await AdmissionProcess(config, url: world.url, ["--install", "--image-policies"])
            defer { replica.end(SIGKILL) }
            world.balancer.set([replica.port])
            try await Self.installed(world)
            let made = try await world.send(
                "POST", Self.policies, Self.policy("strict", #"{"rules":{"malware":true}}"#))
            #expect(made.status == 201, "\(made.text)")
            try await AdmissionInstallTests.wait { try await Self.pod(world, "p", Self.good).status == 403 }
            try await AdmissionInstallTests.wait {
                try await world.send("GET", "\(Self.scans)/\(ImageScan.name(of: Self.good))").status == 200
            }
            try await AdmissionInstallTests.wait {
                try await world.send("GET", Self.policies + "/strict").json?["status"]?["conditions"] != nil
            }
            let refused = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").filter {
                $0.contains("system:serviceaccount:bulwark-system:bulwark-admission") && $0.contains(#""code":403"#)
            }
            #expect(refused.isEmpty, "\(refused.joined(separator: "\n"))")
            // It asks for scans, and can say nothing about what they found; only the server can.
            for (account, verb, resource, isAllowed) in [
                ("bulwark-admission", "update", "imagescans/status", false),
                ("bulwark-admission", "patch", "imagescans/status", false),
                ("bulwark-admission", "update", "imagescans", false),
                ("bulwark-admission", "delete", "imagescans", false),
                ("bulwark-admission", "create", "imagescans", true),
                ("bulwark-server", "patch", "imagescans/status", true),
                ("bulwark-server", "delete", "imagescans", true),
            ] {
                let review = try await world.send(
                    "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                    #"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"system:serviceaccount:bulwark-system:\#(account)","groups":["system:serviceaccounts"],"resourceAttributes":{"verb":"\#(verb)","group":"images.bulwark.dev","resource":"\#(resource.split(separator: "/")[0])"\#(resource.contains("/") ? #","subresource":"status""# : "")}}}"#
                )
                #expect(review.json?["status"]?["allowed"]?.bool == isAllowed, "\(account) \(verb) \(resource)")
            }
        }
    }

    /// The same inside of `bulwark serve`: decisions are remembered and shown.
    @Test(.timeLimit(.minutes(5))) func theServerJudgesAndRemembers() async throws {
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            let server = try await ServeProcess(
                [
                    "--kubeconfig", world.cluster.kubeconfig, "--schedule", "", "--admission", "--admission-install",
                    "--admission-url", world.url, "--admission-address", "127.0.0.1", "--admission-port", "0",
                    "--image-policies", "--image-policies-timeout", "5",
                ], state: folder.path + "/state")
            try await server.wait("the webhooks' port") { server.output.contains("Bulwark judges at") }
            let port = try #require(
                server.output.firstMatch(of: /judges at https:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
            world.balancer.set([port])
            try await Self.installed(world)
            let made = try await world.send(
                "POST", Self.policies, Self.policy("strict", #"{"rules":{"registries":["ghcr.io"]}}"#))
            #expect(made.status == 201, "\(made.text)")
            try await AdmissionInstallTests.wait {
                try await Self.pod(world, "p", Self.good, query: "?dryRun=All").status == 403
            }
            #expect(try await Self.pod(world, "refused", Self.good).status == 403)
            #expect(try await Self.pod(world, "ours", "ghcr.io/a/b:1").status == 201)
            let token = try await server.token(password: try #require(server.password))
            try await server.wait("the decision is shown") {
                try await server.get("decisions?limit=50", token).json().contains("comes from none of the places")
            }
            // Its metrics tell of the webhooks too.
            let metrics = try await server.request("GET", "/metrics").text
            for line in [
                #"bulwark_admission_reviews_total{phase="validate",reviewer="image-policies",action="deny"}"#,
                "bulwark_admission_image_held 0", #"bulwark_admission_image_holds_total{outcome="admitted"} 0"#,
                "bulwark_objects{",
            ] {
                #expect(metrics.contains("\n\(line)"), "\(line): \(metrics)")
            }
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }
}
