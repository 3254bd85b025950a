// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Testing

@testable import Admission

@Suite struct WebhookServerTests {
    @Test func thePhasesAnswer() async throws {
        let reviewer = FakeReviewer("pods") { request, phase in
            phase == .mutate
                ? Review(patch: [.init(.add, "/metadata/labels", "{}")])
                : Review(allowed: request.name != "bad", message: "bad pod", warnings: [phase.rawValue])
        }
        try await ServerFixture.run([reviewer]) { server in
            let mutated = try await server.send(
                "/mutate?timeout=10s", reviewText(), type: "application/json; charset=utf-8")
            #expect(mutated.status == 200 && mutated.json?["response"]?["patchType"]?.string == "JSONPatch")
            let refused = try await server.send("/validate?timeout=10s", reviewText(["name": #""bad""#]))
            #expect(refused.status == 200 && refused.json?["response"]?["allowed"]?.bool == false)
            #expect(refused.json?["response"]?["status"]?["message"]?.string == "bad pod")
            let advised = try await server.send("/advise", reviewText(["name": #""bad""#]))
            #expect(advised.json?["response"]?["allowed"]?.bool == true)
            #expect(advised.json?["response"]?["warnings"]?.json() == #"["advise","bad pod"]"#)
            let deleted = try await server.send("/validate", reviewText(["operation": #""DELETE""#, "object": "null"]))
            #expect(deleted.json?["response"]?["allowed"]?.bool == true)
            let metrics = try await server.send("/metrics", method: .GET, type: nil)
            #expect(
                metrics.text.contains(
                    #"bulwark_admission_reviews_total{phase="validate",reviewer="pods",action="deny"} 1"#))
            #expect(metrics.text.contains(#"bulwark_admission_duration_seconds_count{phase="mutate"} 1"#))
            #expect(metrics.text.contains("bulwark_admission_last_call_timestamp_seconds"))
        }
    }

    @Test func badInput() async throws {
        try await ServerFixture.run([FakeReviewer()]) { server in
            let huge = "{\"a\":\"" + String(repeating: "x", count: (3 << 20) + 10) + "\"}"
            let cases: [(String?, String?, Int, String)] = [
                (huge, "application/json", 413, "at most"), (nil, "application/json", 400, "empty"),
                (String(reviewText().dropLast(5)), "application/json", 400, "closing"),
                (reviewText(), "application/yaml", 415, "application/json"),
                (reviewText(), nil, 415, "application/json"),
                (reviewText(apiVersion: "admission.k8s.io/v1beta1"), "application/json", 400, "v1beta1"),
                (reviewText(["uid": "\"\(String(repeating: "u", count: 100_000))\""]), "application/json", 400, "uid"),
                ("{\"a\":" + String(repeating: "[", count: 1 << 20), "application/json", 400, ""),
                ("\u{0}\u{1}\u{2}", "application/json", 400, ""),
            ]
            for (body, type, status, message) in cases {
                let answer = try await server.send("/validate", body, type: type)
                #expect(
                    answer.status == status && answer.json?["kind"]?.string == "Status", "\(answer.text.prefix(200))")
                #expect(
                    message.isEmpty || answer.json?["message"]?.string?.contains(message) == true,
                    "\(answer.text.prefix(200))")
            }
            #expect(try await server.send("/validate", method: .GET).status == 405)
            #expect(try await server.send("/other", reviewText()).status == 404)
            #expect(server.metrics.text.contains(#"rejected_total{status="413"} 1"#))
            // Chunked, so that no length says it in advance.
            let raw = try await server.raw()
            raw.send(
                "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for _ in 0..<60 { raw.send("10000\r\n" + String(repeating: "[", count: 0x10000) + "\r\n") }
            let deadline = ContinuousClock.now + .seconds(5)
            while !raw.received.contains("413"), ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(raw.received.hasPrefix("HTTP/1.1 413"))
            raw.close()
            #expect(try await server.send("/validate", reviewText()).status == 200)
        }
    }

    @Test func whoKeepsUsWaitingIsCut() async throws {
        try await ServerFixture.run(
            [FakeReviewer()],
            options: { options in
                // Long enough for handshakes on a machine that does other work.
                options.patience.first = .seconds(2)
                options.patience.body = .seconds(2)
                options.patience.next = .seconds(2)
            }
        ) { server in
            let head = "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
            let silentBelowTLS = try await server.raw(tls: false)
            let silent = try await server.raw()
            let slowHead = try await server.raw()
            slowHead.send(String(head.prefix(20)))
            let slowBody = try await server.raw()
            slowBody.send(head + "1000\r\n\r\n{")
            let idle = try await server.raw()
            idle.send(head + "\(reviewText().utf8.count)\r\n\r\n" + reviewText())
            // A byte now and then does not help.
            for _ in 0..<130 {
                slowHead.send("x")
                slowBody.send(" ")
                try await Task.sleep(for: .milliseconds(20))
            }
            for connection in [silentBelowTLS, silent, slowHead, slowBody] {
                #expect(await connection.isClosed(within: 10))
            }
            #expect(idle.received.hasPrefix("HTTP/1.1 200"))
            #expect(await idle.isClosed(within: 10))
            let text = server.metrics.text
            for reason in ["silent", "slow body", "idle"] {
                #expect(text.contains("{reason=\"\(reason)\"}"), "\(reason)")
            }
        }
    }

    @Test func whoStopsReadingIsCut() async throws {
        // Answers large enough to fill every buffer on the way.
        let message = String(repeating: "é", count: 16_000)
        let reviewer = FakeReviewer { _, _ in Review(allowed: false, message: message) }
        try await ServerFixture.run([reviewer], options: { $0.patience.reading = .milliseconds(300) }) { server in
            let raw = try await server.raw()
            let text = reviewText()
            let one =
                "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
                + text
            raw.send(one)
            let deadline = ContinuousClock.now + .seconds(15)
            while raw.received.isEmpty, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
            try await raw.channel.setOption(.autoRead, value: false).get()
            for _ in 0..<2000 { raw.send(one) }
            while !server.metrics.text.contains(#"{reason="slow reader"}"#), ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(server.metrics.text.contains(#"{reason="slow reader"}"#))
            raw.close()
            #expect(try await server.send("/validate", reviewText()).status == 200)
        }
    }

    @Test func idleConnectionsMakeRoom() async throws {
        try await ServerFixture.run([FakeReviewer()], options: { $0.maxConnections = 20 }) { server in
            // One that has asked before outlives those that never did.
            #expect(try await server.send("/validate", reviewText()).status == 200)
            var all: [RawConnection] = []
            for _ in 0..<200 { all.append(try await server.raw(tls: false)) }
            #expect(try await server.send("/validate", reviewText()).status == 200)
            #expect(server.metrics.text.contains("bulwark_admission_connections 20\n"))
            #expect(server.metrics.text.contains(#"cut_connections_total{reason="limit"} 181"#))
            for connection in all { connection.close() }
        }
    }

    @Test func readinessHasReasons() async throws {
        let reviewer = FakeReviewer("pods")
        reviewer.waitsFor = "policies"
        try await ServerFixture.run([reviewer]) { server in
            let waiting = try await server.probe("/readyz")
            #expect(waiting.status == 503 && waiting.text == "waiting pods: policies\nnot ready\n")
            #expect(try await server.send("/readyz", method: .GET).status == 503)
            reviewer.waitsFor = nil
            #expect(try await server.probe("/readyz").status == 200)
            #expect(try await server.probe("/healthz").text == "ok\n")
            #expect(try await server.probe("/metrics").status == 200)
            // Reviews are for the port with TLS.
            #expect(try await server.probe("/validate").status == 404)
        }
    }

    @Test func clientsMustShowACertificate() async throws {
        let (ours, theirs) = (
            try WebhookCertificates.make(names: [], now: Int64(Date().timeIntervalSince1970)),
            try WebhookCertificates.make(names: [], now: Int64(Date().timeIntervalSince1970))
        )
        for (pair, isAdmitted) in [(ours.client, true), (theirs.client, false), (nil, false)] {
            try await ServerFixture.run(
                [FakeReviewer()], options: { $0.clientAuthorities = ours.bundle }, clientPair: pair
            ) { (server: ServerFixture) async throws -> Void in
                if isAdmitted {
                    #expect(try await server.send("/validate", reviewText()).status == 200)
                } else {
                    await #expect(throws: (any Error).self) { _ = try await server.send("/validate", reviewText()) }
                }
                // Probes go on, without TLS.
                #expect(try await server.probe("/readyz").status == 200)
            }
        }
        await #expect(throws: AdmissionError.self) {
            try await ServerFixture.run([], options: { $0.clientAuthorities = "no certificate" }) { _ in }
        }
    }

    @Test func tls11IsRefused() async throws {
        try await ServerFixture.run([FakeReviewer()]) { server in
            var tls = try ServerFixture.tls(trusting: server.certificates)
            tls.minimumTLSVersion = .tlsv1
            tls.maximumTLSVersion = .tlsv11
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: .init(tlsConfiguration: tls))
            await #expect(throws: (any Error).self) {
                _ = try await server.send("/validate", reviewText(), over: client)
            }
            try await client.shutdown()
        }
    }

    /// Clients on open and on new connections ask all the time while the certificate changes again and again.
    @Test func renewalUnderLoadDropsNothing() async throws {
        try await ServerFixture.run([FakeReviewer()]) { server in
            let isDone = Box(false)
            let asked = Box(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        while !isDone.value {
                            let answer = try await server.send("/validate", reviewText(), close: worker % 2 == 0)
                            #expect(answer.status == 200 && answer.json?["response"]?["allowed"]?.bool == true)
                            asked.change { $0 += 1 }
                        }
                    }
                }
                var serials = Set<[UInt8]>()
                for _ in 0..<10 {
                    let now = Int64(Date().timeIntervalSince1970)
                    let pair = try Issuing.leaf(
                        .server(["127.0.0.1"]), by: server.certificates.authorities[0], now: now)
                    try server.served.replace(chain: pair.certificate, key: pair.key)
                    serials.insert(server.served.leaf?.serialNumber ?? [])
                    // The next one comes when this one has been met, however slow the machine is.
                    let before = asked.value
                    while asked.value < before + 4 { try await Task.sleep(for: .milliseconds(20)) }
                }
                #expect(serials.count == 10)
                isDone.value = true
                try await group.waitForAll()
            }
            #expect(asked.value >= 40)
        }
    }

    @Test func whatRunsIsAnsweredBeforeTheEnd() async throws {
        let gate = Gate()
        let reviewer = FakeReviewer { _, _ in
            try await gate.pass()
            return Review(warnings: ["finished"])
        }
        let answers = Box<[Int]>([])
        let fixture = Box<ServerFixture?>(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (pending, continuation) = AsyncStream.makeStream(of: ServerFixture.self)
            group.addTask {
                for await server in pending {
                    let answer = try await server.send("/validate", reviewText())
                    answers.change { $0.append(answer.status) }
                    return
                }
            }
            try await ServerFixture.run(
                [reviewer], options: { $0.drain = .seconds(4) },
                onStop: {
                    // Opens the gate only when the server has been told to stop and is no longer ready.
                    guard let server = fixture.value else { return }
                    Task {
                        var status = 200
                        while status == 200 { status = (try? await server.probe("/readyz").status) ?? 0 }
                        #expect(status == 503)
                        await gate.open()
                    }
                }
            ) { server in
                fixture.value = server
                continuation.yield(server)
                await gate.waitFor(1)
            }
            continuation.finish()
            try await group.waitForAll()
        }
        #expect(answers.value == [200])
    }

    @Test(
        arguments: [
            ("10s", 10_000), ("1m30s", 90_000), ("500ms", 500), ("1.5s", 1500), ("1h", 3_600_000), ("", nil),
            ("10", nil),
            ("s", nil), ("-1s", nil), ("0s", nil), ("1e9s", nil), ("9999999999999h", nil), ("10s;", nil),
        ] as [(String, Int?)]) func goDurations(_ text: String, _ milliseconds: Int?)
    {
        #expect(WebhookRoutes.duration(text) == milliseconds.map { .milliseconds($0) })
    }
}
