// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Kubernetes
import Store
import TestSupport
import Testing

/// `bulwark serve` as users run it: a process, over HTTPS, with its folder.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct ServeTests {
    private static let shop = TestCluster.root + "/examples/shop"

    @Test(.timeLimit(.minutes(5))) func watchesAClusterAndEndsWhenTold() async throws {
        let cluster = try await TestCluster.start()
        let direct = try cluster.client()
        let namespace = try await direct.makeNamespace("serve")
        try await direct.makePods((0..<20).map { (namespace, "pod-\($0)") })
        let folder = try ScratchFolder()
        let started = ContinuousClock.now
        let server = try await ServeProcess(
            ["--kubeconfig", cluster.kubeconfig, "--schedule", ""], state: folder.path + "/state")
        try await server.becomeReady()
        print("serve: ready after \(started.duration(to: .now))")
        #expect(try await server.request("GET", "/healthz").text == "ok\n")
        #expect(try await server.request("GET", "/api/v1/findings").status == 401)

        let password = try #require(server.password)
        #expect(server.output.components(separatedBy: password).count == 2, "shown once")
        let token = try await server.token(password: password)
        #expect(try await server.inspected(token) == "finished")
        let findings = try await server.get("findings?namespace=\(namespace)&name=pod-7&limit=200", token)
        #expect((findings["items"]?.count ?? 0) > 5)

        // A change is there within seconds, by the API as well.
        try await direct.delete(.pods, namespace: namespace, name: "pod-7", graceSeconds: 0)
        try await server.wait("the deleted pod's findings", seconds: 5) {
            try await server.get("findings?namespace=\(namespace)&name=pod-7", token)["total"]?.int == 0
        }

        // On demand, and with progress that moves.
        let asked = try await server.send("POST", "inspections", token)
        #expect(asked.status == 202, "\(asked.text)")
        var seen: Set<Int> = []
        try await server.wait("the inspection on demand") {
            let now = try await server.get("inspections", token)
            seen.insert(now["done"]?.int ?? 0)
            return now["phase"]?.string == "finished"
        }
        #expect((seen.max() ?? 0) >= 19)
        let reports = try await server.get("reports", token)
        #expect(reports["items"]?.elements.map { $0["trigger"]?.string } == ["demand", "start"])
        #expect(reports["items"]?.elements.allSatisfy { $0["state"]?.equals("complete") == true } == true)

        // A reader that keeps its connection does not keep the server.
        let ending = ContinuousClock.now
        let end = try await server.end(SIGTERM)
        let took = ending.duration(to: .now)
        print("serve: ended \(took) after SIGTERM")
        #expect(end.status == 0 && !end.wasKilled, "\(end.errors)")
        #expect(took < .seconds(10))
        #expect(!end.errors.contains(password))
        #expect(try grep(password, in: folder.path) == [], "the password is nowhere in the folder")
        #expect(try grep(token, in: folder.path) == [], "nor is the token")

        // The next start shows no password, remembers everything, and takes the token.
        let again = try await ServeProcess(["--kubeconfig", cluster.kubeconfig], state: folder.path + "/state")
        #expect(again.password == nil)
        #expect((try await again.get("findings?namespace=\(namespace)", token)["total"]?.int ?? 0) > 100)
        // Stopped at once, while it still lists or inspects.
        let second = try await again.end(SIGINT)
        #expect(second.status == 0 && !second.wasKilled, "\(second.errors)")
        try await cluster.down()
    }

    @Test(.timeLimit(.minutes(2))) func twoServersCannotShareAFolder() async throws {
        let folder = try ScratchFolder()
        let server = try await ServeProcess(["--files", Self.shop], state: folder.path)
        let second = try await ServeProcess.run(["serve", "--state", folder.path, "--port", "0", "--files", Self.shop])
        #expect(second.status == 3)
        #expect(second.errors.contains("in use by another Bulwark server"), "\(second.errors)")
        #expect(second.output.isEmpty)
        // A port that is taken, on another folder.
        let other = try ScratchFolder()
        let third = try await ServeProcess.run(
            ["serve", "--state", other.path, "--port", "\(server.port)", "--files", Self.shop])
        #expect(third.status == 3)
        #expect(third.errors.contains("\(server.port)"), "\(third.errors)")
        let end = try await server.end(SIGTERM)
        #expect(end.status == 0, "\(end.errors)")
    }

    @Test(.timeLimit(.minutes(2))) func whatCannotWorkIsSaidAtOnce() async throws {
        let folder = try ScratchFolder()
        try folder.write("a file", to: "file")
        let config = """
            apiVersion: v1
            kind: Config
            current-context: here
            contexts: [{name: here, context: {cluster: here, user: me}}]
            clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
            users: [{name: me, user: {token: do-not-show}}]
            """
        let kubeconfig = try folder.write(config, to: "kubeconfig")
        let state = folder.path + "/state"
        let cases: [(arguments: [String], status: Int32, message: String)] = [
            (["--state", folder.path + "/file/state", "--files", Self.shop], 3, folder.path + "/file"),
            (["--state", "/proc/bulwark", "--files", Self.shop], 3, "/proc/bulwark"),
            (["--state", state, "--kubeconfig", kubeconfig, "--context", "nowhere"], 2, "nowhere"),
            (["--state", state, "--kubeconfig", folder.path + "/missing"], 2, "missing"),
            (["--state", state, "--kubeconfig", kubeconfig], 3, "127.0.0.1:1"),
            (["--state", state, "--files", Self.shop, "--schedule", "every day"], 2, "--schedule"),
            (["--state", state, "--files", Self.shop, "--kubeconfig", kubeconfig], 2, "--files"),
            (["--state", state], 2, "--files"),
            (["--state", state, "--files", Self.shop, "--port", "many"], 2, "port"),
        ]
        for (arguments, status, message) in cases {
            let end = try await ServeProcess.run(["serve", "--port", "0"] + arguments)
            #expect(end.status == status, "\(arguments): \(end.errors)")
            #expect(end.errors.contains(message), "\(arguments): \(end.errors)")
            #expect(!end.errors.contains("do-not-show") && !end.output.contains("do-not-show"))
            #expect(end.output.isEmpty, "\(arguments): \(end.output)")
        }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: ProcessInfo.processInfo.environment["BULWARK_SOAK"] == "1"))
    func aScheduleIsKeptSoak() async throws {
        let folder = try ScratchFolder()
        let server = try await ServeProcess(["--files", Self.shop, "--schedule", ""], state: folder.path)
        let token = try await server.token(password: try #require(server.password))
        #expect(try await server.inspected(token) == "finished")
        let set = try await server.send("PUT", "schedule", token, #"{"schedule":"* * * * *"}"#)
        #expect(set.status == 200 && set.json?["next"]?.count == 5, "\(set.text)")
        let started = ContinuousClock.now
        try await server.wait("the scheduled inspection", seconds: 61) {
            try await server.get("reports", token)["items"]?.elements.contains {
                $0["trigger"]?.equals("schedule") == true && $0["state"]?.equals("complete") == true
            } == true
        }
        print("serve: the scheduled inspection was complete after \(started.duration(to: .now))")
        #expect(try await server.end(SIGTERM).status == 0)
    }

    /// The files below `folder` that hold `text`.
    private func grep(_ text: String, in folder: String) throws -> [String] {
        let needle = Data(text.utf8)
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
            guard let bytes = FileManager.default.contents(atPath: folder + "/" + path) else { return false }
            return bytes.range(of: needle) != nil
        }
    }
}
