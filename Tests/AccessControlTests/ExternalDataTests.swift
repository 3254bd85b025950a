// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Foundation
import Rego
import Synchronization
import TestSupport
import Testing

@testable import AccessControl

/// Templates and mutators that ask a provider, a real HTTPS server with an authority of its own.
@Suite struct ExternalDataTests {
    private static let template = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: known}
        spec:
          crd: {spec: {names: {kind: Known}}}
          targets:
          - target: admission.k8s.gatekeeper.sh
            rego: |
              package known
              images := [image | image := input.review.object.spec.containers[_].image]
              answer := external_data({"provider": "registry", "keys": images})
              violation[{"msg": msg}] {
                answer.errors[_] = [image, reason]
                msg := sprintf("%v: %v", [image, reason])
              }
              violation[{"msg": msg}] {
                [image, value] := answer.responses[_]
                value == "unsigned"
                # What was learnt is asked about in turn.
                more := external_data({"provider": "registry", "keys": [concat("", ["owner of ", image])]})
                msg := sprintf("%v is unsigned, ask %v", [image, more.responses[0][1]])
              }
        """
    private static let constraint =
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: Known, metadata: {name: c}, spec: {}}"

    private static func provider(_ url: String, _ authority: String) throws -> String {
        let bundle = try Data(contentsOf: URL(filePath: authority)).base64EncodedString()
        return """
            {apiVersion: externaldata.gatekeeper.sh/v1beta1, kind: Provider, metadata: {name: registry},
            spec: {url: '\(url)', timeout: 5, caBundle: '\(bundle)'}}
            """
    }

    /// Knows `a:1`, finds `b:1` unsigned, and has an error for everything else.
    private static func answer(_ body: String) -> String {
        let keys = (try? JSONReader.read(Array(body.utf8), source: "request").root)?["request"]?["keys"]
        let items = (keys?.elements.compactMap(\.string) ?? []).map { key in
            switch key {
            case "a:1": #"{"key":"a:1","value":"a:1@sha256:0"}"#
            case "b:1": #"{"key":"b:1","value":"unsigned"}"#
            case "owner of b:1": #"{"key":"owner of b:1","value":"ada"}"#
            default: #"{"key":"\#(key)","error":"unknown"}"#
            }
        }
        return """
            {"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderResponse",\
            "response":{"idempotent":true,"items":[\(items.joined(separator: ","))],"systemError":""}}
            """
    }

    /// Runs `body` with a reviewer whose provider answers.
    private func reviewing(
        _ objects: [String], isTrusted: Bool = true,
        _ body: (GatekeeperReviewer, FakeAPIServer) async throws -> Void
    ) async throws {
        let folder = try ScratchFolder()
        let certificates = try TestCertificates(in: folder, names: "IP:127.0.0.1")
        let others = try TestCertificates(in: folder, names: "IP:127.0.0.1")
        let server = try await FakeAPIServer(tls: (certificates.certificate, certificates.key)) {
            .json(Self.answer($0.body))
        }
        let index = GatekeeperIndex()
        let authority = isTrusted ? certificates.authority : others.authority
        for text in objects + [try Self.provider(server.url + "/validate", authority)] { index.put(try yaml(text)) }
        index.wait(for: nil)
        #expect(index.problems.isEmpty, "\(index.problems)")
        let client = ProviderClient()
        let reviewer = GatekeeperReviewer(index, external: ExternalData { try await client.fetch($0, $1) })
        try await body(reviewer, server)
        await client.shutdown()
        try await server.stop()
    }

    private func request(_ images: [String], user: String = "jane") throws -> AdmissionRequest {
        let list = images.map { "{name: x, image: '\($0)'}" }.joined(separator: ", ")
        let node = try yaml("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [\(list)]}}")
        let name = GroupVersionName(group: "", version: "v1", name: "Pod")
        return AdmissionRequest(
            uid: "u", operation: .create, kind: name, resource: name, name: "p", user: user, object: node)
    }

    @Test func templatesAskAsOftenAsTheyNeed() async throws {
        try await reviewing([Self.template, Self.constraint]) { reviewer, server in
            #expect(reviewer.mayWait(try request(["a:1"]), in: .validate))
            #expect(try await reviewer.review(try request(["a:1"]), in: .validate).allowed)
            let refused = try await reviewer.review(try request(["a:1", "b:1", "c:1"]), in: .validate)
            #expect(!refused.allowed)
            #expect(refused.message.contains("b:1 is unsigned, ask ada"), "\(refused.message)")
            #expect(refused.message.contains("c:1: unknown"))
            // Answers are remembered: the same question is not asked again.
            let count = server.requests.count
            _ = try await reviewer.review(try request(["a:1", "b:1", "c:1"]), in: .validate)
            #expect(server.requests.count == count)
            #expect(server.requests.allSatisfy { $0.method == "POST" && $0.path == "/validate" })
        }
    }

    @Test func whoIsNotTrustedHasNoSay() async throws {
        try await reviewing([Self.template, Self.constraint], isTrusted: false) { reviewer, server in
            let review = try await reviewer.review(try request(["a:1"]), in: .validate)
            #expect(!review.allowed && review.message.contains("does not answer"), "\(review.message)")
            #expect(server.requests.isEmpty)
        }
    }

    private static func mutator(_ more: String) -> String {
        """
        {apiVersion: mutations.gatekeeper.sh/v1, kind: Assign, metadata: {name: m}, spec: {applyTo: [{groups: [''],
        versions: [v1], kinds: [Pod]}], location: 'spec.containers[name: *].image', parameters: {assign:
        {externalData: {provider: registry\(more)}}}}}
        """
    }

    @Test(arguments: [
        ("", ["a:1"], "a:1@sha256:0" as String?), (", dataSource: Username", ["a:1"], "unsigned"), ("", ["c:1"], nil),
        (", failurePolicy: Ignore", ["c:1"], "c:1"), (", failurePolicy: UseDefault, default: 'd:1'", ["c:1"], "d:1"),
    ])
    func mutatorsPutThereWhatTheProviderSays(more: String, images: [String], wanted: String?) async throws {
        try await reviewing([Self.mutator(more)]) { reviewer, _ in
            let request = try request(images, user: "b:1")
            guard let wanted else {
                let error = await #expect(throws: GatekeeperError.self) {
                    try await reviewer.review(request, in: .mutate)
                }
                #expect(error?.message.contains("provider registry: unknown") == true)
                return
            }
            let review = try await reviewer.review(request, in: .mutate)
            let values = review.patch.map(\.value)
            #expect(wanted == images[0] ? values.isEmpty : values == ["\"\(wanted)\""], "\(values)")
        }
    }

    @Test func judgementsThatNeverHaveEnoughEnd() async throws {
        let external = ExternalData { _, keys in
            Dictionary(keys.map { ($0, ExternalAnswer.error("no")) }) { first, _ in first }
        }
        let rounds = Mutex(0)
        let provider = try ExternalDataProvider(
            yaml(
                "{apiVersion: externaldata.gatekeeper.sh/v1beta1, kind: Provider, metadata: {name: p}, spec: {url: 'https://x', caBundle: eA==}}"
            ))
        let error = await #expect(throws: GatekeeperError.self) {
            try await external.answering(by: ["p": provider]) {
                let round = rounds.withLock { rounds in
                    rounds += 1
                    return rounds
                }
                _ = ExternalAnswers.current?.answers(of: "p", to: ["\(round)"])
            }
        }
        #expect(error?.message.contains("more than 8 times") == true)
    }

    @Test(arguments: [
        ("", "no JSON"), ("{}", "no ProviderResponse"),
        (#"{"kind":"ProviderResponse","response":{"systemError":"down"}}"#, "down"),
    ])
    func answersThatMakeNoSense(text: String, wanted: String) {
        let error = #expect(throws: GatekeeperError.self) { try ProviderClient.read(Array(text.utf8)) }
        #expect(error?.message.contains(wanted) == true)
    }
}
