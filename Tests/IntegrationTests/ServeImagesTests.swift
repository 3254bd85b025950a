// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import ImagePolicies
import Kubernetes
import TestSupport
import Testing

/// `bulwark serve --images` on a real API server and a real registry.
@Suite(.enabled(if: ImagesWorld.isThere), .serialized) struct ServeImagesTests {
    @Test(.timeLimit(.minutes(5))) func followsWhatRuns() async throws {
        let world = try await ImagesWorld()
        try await world.importAdvisories([("PYSEC-1", "2.11.3")])
        let digest = try world.push("shop/web:1", jinja: "2.10")
        let image = "localhost:\(world.port)/shop/web:1"
        let namespace = try await world.client.makeNamespace("images")
        try await world.deploy(
            "cart", namespace, image: image, imageID: "docker-pullable://localhost:\(world.port)/shop/web@\(digest)")
        let before = (try world.requests("/manifests/"), try world.requests("/blobs/"))
        var server = try await world.serve()
        let password = try #require(server.password)
        var token = try await server.token(password: password)

        try await server.wait("a finding on the deployment") {
            try await server.messages("BW-IMG-201", of: "cart", token).count == 1
        }
        // Once: the manifest, its configuration and its layer.
        func pulled() throws -> [Int] {
            [try world.requests("/manifests/") - before.0, try world.requests("/blobs/") - before.1]
        }
        #expect(try pulled() == [1, 2])

        // Another workload with the same image needs no scan.
        try await world.deploy(
            "checkout", namespace, image: image, imageID: "localhost:\(world.port)/shop/web@\(digest)")
        try await server.wait("a finding on the second deployment") {
            try await server.messages("BW-IMG-201", of: "checkout", token).count == 1
        }
        #expect(try pulled() == [1, 2])

        // Judged again by new advisories, without the registry.
        world.stopRegistry()
        try await world.importAdvisories([("PYSEC-1", "2.11.3"), ("PYSEC-2", "3.0.0")])
        try await server.wait("the new vulnerability") {
            // A finding of its own on the image, and one more on who runs it.
            try await server.get("findings?check=PYSEC-2&limit=5", token)["total"]?.int == 1
        }

        // Nothing is lost or begun anew when the process dies.
        _ = try await server.end(SIGKILL)
        server = try await world.serve()
        token = try await server.token(password: password)
        #expect(try await server.messages("BW-IMG-201", of: "cart", token).count == 1)
        try await server.becomeReady()

        try await world.remove("cart", namespace)
        try await server.wait("no finding on what is gone") {
            try await server.messages("BW-IMG-201", of: "cart", token).isEmpty
        }
        #expect(try await server.messages("BW-IMG-201", of: "checkout", token).count == 1)
        #expect(try pulled() == [1, 2])
        let ending = try await server.end(SIGTERM)
        #expect(ending.status == 0, "\(ending.errors)")
        try await world.end()
    }

    @Test(.timeLimit(.minutes(5))) func triesAgainAndGoesOn() async throws {
        let world = try await ImagesWorld()
        try await world.importAdvisories([("PYSEC-1", "2.11.3")])
        let namespace = try await world.client.makeNamespace("images")
        var digests: [String] = []
        for index in 0..<5 {
            let digest = try world.push("shop/web\(index):1", jinja: "2.10")
            digests.append(digest)
            // The first has no status yet: what its tag means is asked.
            try await world.deploy(
                "web\(index)", namespace, image: "localhost:\(world.port)/shop/web\(index):1",
                imageID: index == 0 ? nil : "localhost:\(world.port)/shop/web\(index)@\(digest)")
        }
        try await world.deploy(
            "missing", namespace, image: "localhost:\(world.port)/shop/none:1",
            imageID: "localhost:\(world.port)/shop/none@\(digests[0].replacing(/[0-9a-f]{8}$/, with: "00000000"))")
        try await world.deploy(
            "inside", namespace, image: "169.254.169.254/latest/meta-data:1",
            imageID: "x@\(digests[0].replacing(/[0-9a-f]{8}$/, with: "11111111"))")
        world.stopRegistry()
        var server = try await world.serve(["--images-concurrency", "1"])
        let password = try #require(server.password)
        var token = try await server.token(password: password)
        // A failure is told on the workload.
        try await server.wait("a failure") {
            try await server.messages("BW-IMG-204", of: "inside", token).first?.contains("may not be asked") == true
        }
        try await server.wait("another failure", seconds: 90) {
            for index in 1..<5 where try await !server.messages("BW-IMG-204", of: "web\(index)", token).isEmpty {
                return true
            }
            return false
        }
        try await world.startRegistry()
        func vulnerable() async throws -> Int {
            var count = 0
            for index in 0..<5 {
                count += try await server.messages("BW-IMG-201", of: "web\(index)", token).isEmpty ? 0 : 1
            }
            return count
        }
        try await server.wait("the first scan", seconds: 120) { try await vulnerable() > 0 }
        _ = try await server.end(SIGKILL)
        server = try await world.serve(["--images-concurrency", "1"])
        token = try await server.token(password: password)
        try await server.wait("all scans", seconds: 180) { try await vulnerable() == 5 }
        try await server.wait("what is missing") {
            try await !server.messages("BW-IMG-204", of: "missing", token).isEmpty
        }
        let metrics = try await server.request("GET", "/metrics").text
        for line in [
            #"bulwark_images{state="scanned"} 5"#, #"bulwark_images{state="failed"} 2"#,
            #"bulwark_image_vulnerabilities{severity="critical"} 5"#,
            #"bulwark_image_fixable_vulnerabilities{severity="critical"} 5"#,
            #"bulwark_image_queue{state="running"} 0"#,
        ] { #expect(metrics.contains(line + "\n"), "\(line)") }
        let ending = try await server.end(SIGTERM)
        #expect(ending.status == 0, "\(ending.errors)")
        try await world.end()
    }

    /// Logins that pods bring: of their namespace, for the registry that they name, told to nobody.
    @Test(.timeLimit(.minutes(5))) func usesTheLoginsOfPods() async throws {
        let password = "s3cr3t-of-a-pod"
        let world = try await ImagesWorld(login: "tester:\(password)")
        try await world.importAdvisories([("PYSEC-1", "2.11.3")])
        let registry = "localhost:\(world.port)"
        let namespace = try await world.client.makeNamespace("images")
        let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
        func secret(_ name: String, _ entry: String, old: Bool = false) async throws {
            let text = Data((old ? entry : #"{"auths":\#(entry)}"#).utf8).base64EncodedString()
            let (type, key) = old ? ("dockercfg", ".dockercfg") : ("dockerconfigjson", ".dockerconfigjson")
            _ = try await world.client.create(
                secrets, namespace: namespace,
                .json(
                    #"{"metadata":{"name":"\#(name)"},"type":"kubernetes.io/\#(type)","data":{"\#(key)":"\#(text)"}}"#))
        }
        let auth = Data("tester:\(password)".utf8).base64EncodedString()
        try await secret("good", #"{"\#(registry)":{"auth":"\#(auth)"}}"#)
        try await secret("old", #"{"http://\#(registry)":{"username":"tester","password":"\#(password)"}}"#, old: true)
        try await secret("wrong", #"{"\#(registry)":{"username":"tester","password":"no"}}"#)
        try await secret("elsewhere", #"{"registry.example.org":{"auth":"\#(auth)"}}"#)
        for (index, (name, names)) in [
            ("first", ["good"]), ("second", ["elsewhere", "wrong", "missing", "old"]),
            ("third", ["elsewhere", "wrong"]),
            ("fourth", []),
        ].enumerated() {
            let digest = try world.push("shop/\(name):1", jinja: "2.10")
            // One without a status yet: what its tag means is asked with the login too.
            try await world.deploy(
                name, namespace, image: "\(registry)/shop/\(name):1",
                imageID: index == 0 ? nil : "\(registry)/shop/\(name)@\(digest)", pullSecrets: names)
        }
        var server = try await world.serve(["--images-pull-secrets"])
        let password2 = try #require(server.password)
        var token = try await server.token(password: password2)
        try await server.wait("the scans with logins", seconds: 120) {
            for name in ["first", "second"] where try await server.messages("BW-IMG-201", of: name, token).count != 1 {
                return false
            }
            return true
        }
        try await server.wait("the refusals", seconds: 60) {
            let third = try await server.messages("BW-IMG-204", of: "third", token).first ?? ""
            let fourth = try await server.messages("BW-IMG-204", of: "fourth", token).first ?? ""
            return third.contains("\(namespace)/wrong") && !third.contains("\(namespace)/elsewhere")
                && fourth.contains("\(registry)") && !fourth.contains("pull secret")
        }
        let ending = try await server.end(SIGTERM)
        #expect(ending.status == 0, "\(ending.errors)")
        // Neither stored nor logged.
        #expect(!ending.errors.contains(password) && !server.output.contains(password))
        var files = 0
        for file in try FileManager.default.subpathsOfDirectory(atPath: world.folder.path + "/state") {
            guard let bytes = FileManager.default.contents(atPath: "\(world.folder.path)/state/\(file)") else {
                continue
            }
            files += 1
            for text in [password, auth] { #expect(bytes.firstRange(of: Data(text.utf8)) == nil, "\(file)") }
        }
        #expect(files > 0)
        // Not without being asked to.
        server = try await world.serve()
        token = try await server.token(password: password2)
        let late = try world.push("shop/late:1", jinja: "2.10")
        try await world.deploy(
            "late", namespace, image: "\(registry)/shop/late:1", imageID: "\(registry)/shop/late@\(late)",
            pullSecrets: ["good"])
        try await server.wait("the refusal without the option", seconds: 60) {
            try await server.messages("BW-IMG-204", of: "late", token).count == 1
        }
        #expect(try await server.end(SIGTERM).status == 0)
        try await world.end()
    }

    @Test(.timeLimit(.minutes(5))) func answersImageScans() async throws {
        let world = try await ImagesWorld()
        try await world.importAdvisories([("PYSEC-1", "2.11.3")])
        let digest = try world.push("shop/web:1", jinja: "2.10")
        let other = try world.push("shop/asked:1", jinja: "3.0.0")
        let namespace = try await world.client.makeNamespace("images")
        let image = "localhost:\(world.port)/shop/web:1"
        try await world.deploy("cart", namespace, image: image, imageID: "localhost:\(world.port)/shop/web@\(digest)")
        let definitions = APIResource.customResourceDefinitions
        for definition in ImagePolicyResources.definitions where definition.name.hasPrefix("imagescans") {
            _ = try await world.client.apply(
                definitions, namespace: nil, name: definition.name, definition.yaml, options: .init())
        }
        // The server looks for the kind when it starts, and then now and then.
        for _ in 0..<300 {
            if (try? await world.client.everything(ImageScan.resource)) != nil { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        let asked = "localhost:\(world.port)/shop/asked:1"
        let never = "localhost:\(world.port)/shop/never:1"
        func verdict(_ reference: String) async throws -> ImageVerdict? {
            do {
                let object = try await world.client.get(
                    ImageScan.resource, namespace: nil, name: ImageScan.name(of: reference))
                return try ImageScan.verdict(of: object.node)
            } catch let error as KubernetesError where error.code == .notFound { return nil }
        }
        let server = try await world.serve()
        try await server.wait("the scan of what runs") { try await verdict(image)?.phase == .complete }
        let found = try #require(try await verdict(image))
        #expect(found.digest == digest && found.scanned > 0 && found.resolved > 0 && found.advisories > 0)
        #expect(found.vulnerabilities[.critical] == .init(total: 1, fixable: 1))
        for reference in [asked, never] {
            _ = try await world.client.create(
                ImageScan.resource, namespace: nil, .json(ImageScan.object(reference)))
        }
        try await server.wait("the scan that was asked for") { try await verdict(asked)?.phase == .complete }
        let clean = try #require(try await verdict(asked))
        #expect(clean.digest == other && clean.vulnerabilities.isEmpty)
        try await server.wait("the failure") { try await verdict(never)?.phase == .failed }
        #expect(try await verdict(never)?.message.isEmpty == false)

        try await world.importAdvisories([("PYSEC-1", "2.11.3"), ("PYSEC-2", "3.1.0")])
        try await server.wait("the new vulnerability") {
            try await verdict(asked)?.vulnerabilities[.critical] == .init(total: 1, fixable: 1)
        }
        let ending = try await server.end(SIGTERM)
        #expect(ending.status == 0, "\(ending.errors)")
        try await world.end()
    }

    /// Admission and scans in one server: a pod of an image that nobody has scanned is held until it is scanned.
    @Test(.timeLimit(.minutes(5))) func podsWaitForTheirScans() async throws {
        try await AdmissionWorld.run { admission in
            let world = try await ImagesWorld(admission.cluster)
            defer { world.stopRegistry() }
            try await world.importAdvisories([("PYSEC-1", "2.11.3")])
            _ = try world.push("shop/web:1", jinja: "2.10")
            _ = try world.push("shop/web:2", jinja: "3.0.0")
            let server = try await world.serve([
                "--admission", "--admission-install", "--admission-url", admission.url, "--admission-address",
                "127.0.0.1", "--admission-port", "0", "--image-policies", "--image-policies-timeout", "20",
            ])
            try await server.wait("the webhooks' port") { server.output.contains("Bulwark judges at") }
            let port = try #require(
                server.output.firstMatch(of: /judges at https:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
            admission.balancer.set([port])
            try await AdmissionImagesTests.installed(admission)
            let made = try await admission.send(
                "POST", AdmissionImagesTests.policies,
                AdmissionImagesTests.policy(
                    "strict",
                    #"{"namespaces":{"names":["shop"]},"rules":{"vulnerabilities":[{"severity":"critical"}]},"whenMissing":"wait","waitSeconds":18}"#
                ))
            #expect(made.status == 201, "\(made.text)")
            let (old, new) = ("localhost:\(world.port)/shop/web:1", "localhost:\(world.port)/shop/web:2")
            try await AdmissionInstallTests.wait {
                try await AdmissionImagesTests.pod(admission, "p", old, query: "?dryRun=All").status == 403
            }
            // The server looks for the kind of scans now and then.
            try await server.wait("a pod that waited for its scan", seconds: 120) {
                try await AdmissionImagesTests.pod(admission, "clean", new).status == 201
            }
            let refused = try await AdmissionImagesTests.pod(admission, "vulnerable", old)
            #expect(refused.status == 403)
            for text in ["has 1 critical vulnerability, mended by an upgrade", "2.10 to 2.11.3 (PYSEC-1)"] {
                #expect(refused.text.contains(text), "\(refused.text)")
            }
            // What was clean is refused once there are advisories against it.
            try await world.importAdvisories([("PYSEC-1", "2.11.3"), ("PYSEC-2", "3.1.0")])
            try await server.wait("the refusal by new advisories", seconds: 60) {
                try await AdmissionImagesTests.pod(admission, "later", new, query: "?dryRun=All").status == 403
            }
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }
}
