// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

/// `bulwark admission serve` as a process of its own.
final class AdmissionProcess: Sendable {
    private let folder: ScratchFolder
    private let process: Process
    let port: Int
    let probePort: Int

    init(_ kubeconfig: String, url: String, _ more: [String] = []) async throws {
        let folder = try ScratchFolder()
        self.folder = folder
        process = try ServeProcess.launch(
            [
                "admission", "serve", "--kubeconfig", kubeconfig, "--url", url, "--address", "127.0.0.1", "--port", "0",
                "--probe-port", "0", "--drain", "0",
            ] + more, folder)
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let output = try String(contentsOfFile: folder.path + "/out", encoding: .utf8)
            if let found = output.firstMatch(
                of: /https:\/\/127\.0\.0\.1:(\d+), probes at http:\/\/127\.0\.0\.1:(\d+)\n/)
            {
                port = try #require(Int(found.1))
                probePort = try #require(Int(found.2))
                return
            }
            guard process.isRunning, ContinuousClock.now < deadline else {
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                let errors = try String(contentsOfFile: folder.path + "/err", encoding: .utf8)
                throw ServeProcess.NotStarted(errors: errors)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    func end(_ signal: Int32) {
        // A number whose process has ended may belong to another one.
        if process.isRunning { kill(process.processIdentifier, signal) }
        process.waitUntilExit()
    }
}

/// A cluster of its own with two replicas behind one address, and an administrator who sees whole answers.
struct AdmissionWorld: Sendable {
    let cluster: TestCluster
    let balancer: TCPBalancer
    let http: HTTPClient
    let address: String

    var url: String { "https://127.0.0.1:\(balancer.port)" }

    struct Answer: Sendable {
        var status: Int
        var text: String
        var warnings: String
        var json: Node?
    }

    static func run(flags: [String] = [], _ body: @Sendable (AdmissionWorld) async throws -> Void) async throws {
        let cluster = try await TestCluster.start(flags: flags)
        let directory = try #require(cluster.directory)
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(directory + "/pki/ca.crt"))
        tls.certificateChain = try NIOSSLCertificate.fromPEMFile(directory + "/pki/admin.crt").map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: directory + "/pki/admin.key", format: .pem))
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
        let port = try String(contentsOfFile: directory + "/apiserver.port", encoding: .utf8)
        let world = AdmissionWorld(
            cluster: cluster, balancer: try await TCPBalancer(), http: http,
            address: "https://127.0.0.1:" + port.trimmingCharacters(in: .whitespacesAndNewlines))
        let result: Result<Void, any Error>
        do {
            for name in ["default", "shop"] {
                _ = try await world.send("POST", "/api/v1/namespaces", #"{"metadata":{"name":"\#(name)"}}"#)
            }
            try await body(world)
            result = .success(())
        } catch { result = .failure(error) }
        try await http.shutdown()
        try await world.balancer.stop()
        try await cluster.down()
        try result.get()
    }

    func replica(_ more: [String] = []) async throws -> AdmissionProcess {
        try await AdmissionProcess(cluster.kubeconfig, url: url, more)
    }

    func send(
        _ method: String, _ path: String, _ body: String = "", as user: String = "",
        type: String = "application/json"
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Content-Type", value: type)
        if !user.isEmpty { request.headers.add(name: "Impersonate-User", value: user) }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await http.execute(request, timeout: .seconds(40))
        let bytes = Array(try await response.body.collect(upTo: 8 << 20).readableBytesView)
        return Answer(
            status: Int(response.status.code), text: String(decoding: bytes, as: UTF8.self),
            warnings: response.headers["warning"].joined(separator: "\n"),
            json: try? JSONReader.read(bytes, source: path, duplicateKeys: .error).root)
    }

    /// Creates a pod; one that is not `good` has a privileged container.
    func pod(
        _ name: String, _ account: String = "cart", good: Bool, in namespace: String = "shop", query: String = ""
    ) async throws -> Answer {
        let context =
            good
            ? #"{"allowPrivilegeEscalation":false,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"},"capabilities":{"drop":["ALL"]}}"#
            : #"{"privileged":true}"#
        return try await send(
            "POST", "/api/v1/namespaces/\(namespace)/pods\(query)",
            #"{"metadata":{"name":"\#(name)"},"spec":{"serviceAccountName":"\#(account)","containers":[{"name":"app","image":"a.example/b:1","securityContext":\#(context)}]}}"#
        )
    }

    static let policies = "/apis/policy.bulwark.dev/v1/podpolicies"
    static let bindings = "/apis/policy.bulwark.dev/v1/podpolicybindings"

    func policy(_ name: String, _ spec: String) async throws -> Answer {
        try await send("POST", Self.policies, Self.object("PodPolicy", name, spec))
    }

    func bind(_ policy: String, account: String, as user: String = "") async throws -> Answer {
        let spec =
            #"{"policy":"\#(policy)","subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"\#(account)"}]}"#
        return try await send("POST", Self.bindings, Self.object("PodPolicyBinding", account, spec), as: user)
    }

    private static func object(_ kind: String, _ name: String, _ spec: String) -> String {
        #"{"apiVersion":"policy.bulwark.dev/v1","kind":"\#(kind)","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
    }

    /// Two replicas that have installed themselves, and the service account `shop/cart` bound to `restricted`.
    func ready(_ more: (Int) -> [String] = { _ in ["--install"] }) async throws -> [AdmissionProcess] {
        let replicas = [try await replica(more(0)), try await replica(more(1))]
        balancer.set(replicas.map(\.port))
        try await AdmissionInstallTests.wait {
            try await send(
                "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission"
            ).status == 200
        }
        let made = try await policy("restricted", #"{"standard":{"level":"restricted"}}"#)
        try #require(made.status == 201, "\(made.text)")
        let bound = try await bind("restricted", account: "cart")
        try #require(bound.status == 201, "\(bound.text)")
        try await AdmissionInstallTests.wait {
            try await pod("probe", good: false, query: "?dryRun=All").status == 403
        }
        return replicas
    }
}
