// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

@testable import Admission

@Suite struct InstallationTests {
    static let installation = WebhookInstallation(
        namespace: "bulwark-system",
        endpoint: .service(namespace: "bulwark-system", name: "bulwark-admission", port: 443),
        webhooks: [
            Webhook(
                name: "mutate.policy.bulwark.dev", phase: .mutate,
                rules: [
                    .init(
                        operations: ["CREATE"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "Namespaced"
                    )
                ],
                failurePolicy: .fail),
            Webhook(
                name: "advise.policy.bulwark.dev", phase: .advise,
                rules: [.init(operations: ["CREATE"], groups: ["apps"], versions: ["v1"], resources: ["deployments"])],
                failurePolicy: .fail, timeoutSeconds: 99),
        ], excludesByOffLabel: true)

    @Test func whatServersAreTold() throws {
        let mutating = try #require(Self.installation.configuration(isMutating: true, bundle: "PEM"))
        let webhook = try read(mutating.json)["webhooks"]?[0]
        #expect(webhook?["clientConfig"]?["caBundle"]?.string == Data("PEM".utf8).base64EncodedString())
        #expect(webhook?["clientConfig"]?["service"]?["path"]?.string == "/mutate")
        #expect(webhook?["failurePolicy"]?.string == "Fail" && webhook?["matchPolicy"]?.string == "Equivalent")
        #expect(
            webhook?["sideEffects"]?.string == "NoneOnDryRun" && webhook?["reinvocationPolicy"]?.string == "IfNeeded")
        #expect(
            webhook?["namespaceSelector"]?.json()
                == #"{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","bulwark-system"]},{"key":"policy.bulwark.dev/webhooks","operator":"NotIn","values":["off"]}]}"#
        )
        let validating = try #require(Self.installation.configuration(isMutating: false, bundle: ""))
        let advice = try read(validating.json)["webhooks"]?[0]
        // Advice never stands in the way, and no server takes more than 30 seconds.
        #expect(advice?["failurePolicy"]?.string == "Ignore" && advice?["timeoutSeconds"]?.int == 30)
        #expect(advice?["clientConfig"]?["caBundle"] == nil && advice?["reinvocationPolicy"] == nil)
        var newer = Self.installation
        newer.excludesByOffLabel = false
        #expect(newer.configurations(bundle: "").allSatisfy { !$0.json.contains(WebhookInstallation.offLabel) })
    }

    @Test func urlsAndNames() {
        #expect(WebhookEndpoint.url("https://127.0.0.1:9443").certificateNames == ["127.0.0.1"])
        #expect(WebhookEndpoint.url("https://[::1]:9443").certificateNames == ["::1"])
        #expect(
            Self.installation.endpoint.certificateNames
                == ["bulwark-admission.bulwark-system.svc", "bulwark-admission.bulwark-system"])
        #expect(
            WebhookEndpoint.url("https://a:1").clientConfig("/mutate", bundle: "x")["url"] == "https://a:1/mutate")
    }

    @Test func yamlSaysTheSameAsJSON() throws {
        let value: ManifestValue = [
            "empty": [:], "none": [], "yes": "yes",
            "on": ["off", "1.5", "", " a", "a: b", "plain-text", "x\ny", "null"],
            "nested": [["a": 1, "b": [true, ["c": "d"]]], [["deep"], []]], "🚢": "é", "n": 3,
        ]
        for value in [value] + Self.installation.configurations(bundle: "PEM") {
            let documents = DocumentReader.documents(in: Array(value.yaml.utf8), source: "yaml")
            try #require(documents.count == 1)
            #expect(try documents[0].get().root.json() == value.json)
            #expect(value.matches(try read(value.json)))
        }
    }

    @Test(arguments: [
        #"{"a":1,"b":["x"]}"#: true, #"{"b":["x"],"a":1}"#: true, #"{"a":1,"b":["x"],"c":{}}"#: false,
        #"{"a":1}"#: false, #"{"a":2,"b":["x"]}"#: false, #"{"a":1,"b":["x","y"]}"#: false,
        #"{"a":"1","b":["x"]}"#: false,
        #"[]"#: false,
    ]) func comparison(_ text: String, _ isSame: Bool) throws {
        let wanted: ManifestValue = ["a": 1, "b": ["x"]]
        #expect(wanted.matches(try read(text)) == isSame)
    }

    private func read(_ text: String) throws -> Node { try JSONReader.read(Array(text.utf8), source: "test").root }
}
