// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Foundation
import Testing

@testable import ImagePolicies

/// What docs/images/policies.md shows can be read, and what the definitions allow is what is read.
@Suite struct DocumentationTests {
    private static func text(_ path: String, file: String = #filePath) throws -> String {
        let root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func examplesAreWhatTheySay() throws {
        let parts = try Self.text("docs/images/policies.md").components(separatedBy: "```yaml\n").dropFirst()
        var policies: [String: ImagePolicy] = [:]
        for part in parts {
            let policy = try ImagePolicy(object(part.components(separatedBy: "```")[0]))
            policies[policy.name] = policy
        }
        #expect(policies.keys.sorted() == ["first-look", "no-malware", "pinned", "production"])
        let production = try #require(policies["production"])
        #expect(production.rules.vulnerabilities.map(\.maxCount) == [0, 10] && production.waitSeconds == 10)
        #expect(production.exemptions.map(\.expiry) == [1_806_451_200])
        #expect(policies["pinned"]?.needsScan == false && policies["first-look"]?.mode == .warn)
    }

    /// The text of a refusal in the documentation is the one that is made.
    @Test func theRefusalIsTheOneThatIsMade() async throws {
        let index = try index(
            #"{"rules":{"vulnerabilities":[{"severity":"critical","onlyFixable":true},{"severity":"high","maxCount":10}]}}"#
        )
        try index.put(
            verdict {
                $0.vulnerabilities = [.critical: .init(total: 2, fixable: 2)]
                $0.worst = JudgeTests.openssl
            })
        let pod = podText(cart).replacing(#""name":"c0""#, with: #""name":"app""#)
        let review = try await reviewer(index).review(request(pod), in: .validate)
        let message = review.message.replacing("policy p0", with: "policy production")
        #expect(try Self.text("docs/images/policies.md").contains("```\n\(message)\n```"), "\(message)")
    }

    @Test func everyFieldOfADefinitionIsKnown() throws {
        #expect(
            ImagePolicyResources.definitions.map(\.name) == [
                "imagepolicies.policy.bulwark.dev", "imagescans.images.bulwark.dev",
            ])
        for definition in ImagePolicyResources.definitions {
            let root = try object(String(decoding: definition.yaml, as: UTF8.self))
            #expect(root["metadata"]?["name"]?.string == definition.name)
        }
        let policies = try object(try Self.text("deploy/images/crds/imagepolicies.yaml"))
        let schema = try #require(policies["spec"]?["versions"]?[0]?["schema"]?["openAPIV3Schema"])
        func names(_ node: Node?) -> [String] { node?["properties"]?.members.map { $0.key.string }.sorted() ?? [] }
        let spec = schema["properties"]?["spec"]
        #expect(
            names(spec) == [
                "enabled", "exemptions", "images", "mode", "namespaces", "rules", "waitSeconds", "whenIncomplete",
                "whenMissing",
            ])
        #expect(
            names(spec?["properties"]?["rules"]) == [
                "malware", "maxAdvisoryAge", "maxScanAge", "registries", "requireDigest", "secrets", "vulnerabilities",
            ])
        #expect(
            names(spec?["properties"]?["exemptions"]?["items"]) == [
                "expires", "images", "namespaces", "owner", "reason", "users",
            ])
    }
}
