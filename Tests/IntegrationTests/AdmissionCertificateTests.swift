// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import TestSupport
import Testing

/// Certificates between a real API server and the replicas: they end and are renewed, and both sides may be asked for one.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionCertificateTests {
    private static let secret = "/api/v1/namespaces/bulwark-system/secrets/bulwark-admission-tls"

    private final class Load: Sendable {
        let isDone = Mutex(false)
        /// Nobody begins a request, and how many run.
        let gate = Mutex((isClosed: false, running: 0))
        let counts = Mutex((good: 0, bad: 0))
    }

    /// Serving certificates that live for seconds: while pods are asked for all the time several of them come and go, and
    /// nobody notices.
    @Test func certificatesEndUnderLoad() async throws {
        try await AdmissionWorld.run { world in
            let replicas = try await world.ready { _ in ["--install", "--certificate-lifetime", "15s"] }
            defer { for replica in replicas { replica.end(SIGKILL) } }
            var seen: Set<String> = []
            let started = ContinuousClock.now
            let load = Load()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for worker in 0..<2 {
                    tasks.addTask {
                        while !load.isDone.withLock({ $0 }) {
                            let mayBegin = load.gate.withLock { gate in
                                if !gate.isClosed { gate.running += 1 }
                                return !gate.isClosed
                            }
                            guard mayBegin else {
                                try await Task.sleep(for: .milliseconds(5))
                                continue
                            }
                            defer { load.gate.withLock { $0.running -= 1 } }
                            let bad = try await world.pod("bad-\(worker)", good: false, query: "?dryRun=All")
                            let good = try await world.pod("good-\(worker)", good: true, query: "?dryRun=All")
                            #expect(bad.status == 403, "\(bad.text)")
                            #expect(good.status == 201, "\(good.text)")
                            load.counts.withLock {
                                $0.bad += 1
                                $0.good += 1
                            }
                        }
                    }
                }
                defer { load.isDone.withLock { $0 = true } }
                // Four certificates one after the other, the first ones long past their end.
                try await AdmissionInstallTests.wait {
                    let stored = try await world.send("GET", Self.secret)
                    let certificate = try #require(stored.json?["data"]?["tls.crt"]?.string, "\(stored.text)")
                    if seen.insert(certificate).inserted {
                        // Both replicas read it within a second; then the API server has to connect anew, between two
                        // requests, and meets the new one.
                        try await Task.sleep(for: .seconds(2))
                        load.gate.withLock { $0.isClosed = true }
                        while load.gate.withLock({ $0.running }) > 0 { try await Task.sleep(for: .milliseconds(2)) }
                        #expect(await world.balancer.cut() > 0)
                        // An API server that has not noticed yet would send into a connection that is gone.
                        try await Task.sleep(for: .seconds(1))
                        load.gate.withLock { $0.isClosed = false }
                    }
                    return seen.count >= 4 && ContinuousClock.now - started > .seconds(35)
                }
                load.isDone.withLock { $0 = true }
                try await tasks.waitForAll()
            }
            let (good, bad) = load.counts.withLock { $0 }
            #expect(good > 20 && bad > 20)
            // A client that comes now is shown one that is still good.
            #expect(try await Self.isTrusted(world))
        }
    }

    /// Whether a new connection is accepted under the authorities that the webhook configuration names.
    private static func isTrusted(_ world: AdmissionWorld, with pair: TestCertificates? = nil) async throws -> Bool {
        let configuration = try await world.send(
            "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission")
        let bundle = try #require(configuration.json?["webhooks"]?[0]?["clientConfig"]?["caBundle"]?.string)
        let pem = try #require(Data(base64Encoded: bundle))
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes([UInt8](pem)))
        if let pair {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(pair.certificate).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: pair.key, format: .pem))
        }
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
        let isTrusted: Bool
        do {
            var request = HTTPClientRequest(url: world.url + "/validate")
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(.init(string: "{}"))
            _ = try await http.execute(request, timeout: .seconds(10))
            isTrusted = true
        } catch { isTrusted = false }
        try await http.shutdown()
        return isTrusted
    }

    /// With `--client-ca` only who has a certificate of that authority gets in: the API server, which is told to show one.
    @Test func apiServersShowACertificate() async throws {
        let folder = try ScratchFolder()
        let pair = try TestCertificates(in: folder, names: "DNS:kube-apiserver")
        try folder.write(
            """
            apiVersion: v1
            kind: Config
            users:
            - name: '*'
              user: {client-certificate: \(pair.certificate), client-key: \(pair.key)}
            """, to: "webhooks.kubeconfig")
        try folder.write(
            """
            apiVersion: apiserver.config.k8s.io/v1
            kind: AdmissionConfiguration
            plugins:
            - name: ValidatingAdmissionWebhook
              configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: \(folder.path)/webhooks.kubeconfig}
            - name: MutatingAdmissionWebhook
              configuration: {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: \(folder.path)/webhooks.kubeconfig}
            """, to: "admission.yaml")
        let flags = ["--admission-control-config-file=\(folder.path)/admission.yaml"]
        try await AdmissionWorld.run(flags: flags) { world in
            let replicas = try await world.ready { _ in ["--install", "--client-ca", pair.authority] }
            defer { for replica in replicas { replica.end(SIGKILL) } }
            #expect(try await world.pod("bad", good: false).status == 403)
            #expect(try await world.pod("good", good: true).status == 201)
            // Nobody else: without a certificate, or with one of another authority.
            #expect(try await !Self.isTrusted(world))
            #expect(try await !Self.isTrusted(world, with: try TestCertificates(in: folder, names: "DNS:other")))
            #expect(try await Self.isTrusted(world, with: pair))
        }
    }
}
