// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import ImagePolicies

func policyText(_ spec: String, name: String = "p") -> String {
    #"{"apiVersion":"policy.bulwark.dev/v1","kind":"ImagePolicy","metadata":{"name":"\#(name)","generation":3},"spec":\#(spec)}"#
}

func policy(_ spec: String, name: String = "p") throws -> ImagePolicy {
    try ImagePolicy(object(policyText(spec, name: name)))
}

@Suite struct PolicyDecodingTests {
    @Test func everyFieldIsRead() throws {
        let policy = try policy(
            #"""
            {"mode":"warn","enabled":false,
             "namespaces":{"names":["shop"],"selector":{"matchLabels":{"env":"prod"},
               "matchExpressions":[{"key":"team","operator":"NotIn","values":["x"]},{"key":"a","operator":"Exists"}]}},
             "images":["registry.example.com/shop/**"],
             "rules":{"vulnerabilities":[{"severity":"critical"},{"severity":"high","onlyFixable":true,"maxCount":5}],
               "malware":true,"secrets":true,"maxScanAge":"7d","maxAdvisoryAge":"36h","requireDigest":true,
               "registries":["ghcr.io","nginx"]},
             "whenMissing":"wait","waitSeconds":20,"whenIncomplete":"warn",
             "exemptions":[{"users":["u"],"namespaces":["n"],"images":["nginx"],"owner":"o","reason":"r","expires":"2027-01-31T00:00:00Z"}]}
            """#)
        #expect(policy.name == "p" && policy.generation == 3 && policy.mode == .warn && !policy.isEnabled)
        #expect(policy.namespaces?.names == ["shop"] && policy.namespaces?.selector?.count == 3)
        #expect(policy.images.map(\.text) == ["registry.example.com/shop/**"])
        #expect(
            policy.rules.vulnerabilities == [
                .init(severity: .critical), .init(severity: .high, onlyFixable: true, maxCount: 5),
            ])
        #expect(policy.rules.malware && policy.rules.secrets && policy.rules.requireDigest)
        #expect(policy.rules.maxScanAge == 7 * 86_400 && policy.rules.maxAdvisoryAge == 36 * 3600)
        #expect(policy.rules.registries?.map(\.text) == ["ghcr.io", "nginx"])
        #expect(policy.whenMissing == .wait && policy.waitSeconds == 20 && policy.whenIncomplete == .warn)
        #expect(policy.needsScan && policy.exemptions.count == 1 && policy.exemptions[0].expiry == 1_801_353_600)
    }

    @Test func whatIsLeftOutIsStrict() throws {
        let policy = try policy(#"{"rules":{}}"#)
        #expect(policy.mode == .enforce && policy.isEnabled && policy.namespaces == nil && policy.images.isEmpty)
        #expect(policy.whenMissing == .deny && policy.whenIncomplete == .deny && policy.needsScan)
    }

    /// A policy of names alone asks for no scan, unless it says what becomes of missing ones.
    @Test(arguments: [
        (#"{"rules":{"requireDigest":true}}"#, false), (#"{"rules":{"registries":["ghcr.io"]}}"#, false),
        (#"{"rules":{"requireDigest":true},"whenMissing":"deny"}"#, true),
        (#"{"rules":{"requireDigest":true,"malware":true}}"#, true), (#"{"rules":{"malware":false}}"#, true),
        (#"{"rules":{"registries":["ghcr.io"],"maxScanAge":"1d"}}"#, true),
    ]) func scansAreAskedForWhereTheyCount(_ spec: String, _ needs: Bool) throws {
        #expect(try policy(spec).needsScan == needs)
    }

    @Test(arguments: [
        (#"{}"#, "spec.rules is required"), (#"[]"#, "spec must be an object"),
        (#"{"rules":[]}"#, "spec.rules must be an object"),
        (#"{"rules":{},"mod":"warn"}"#, "spec has an unknown field mod"),
        (#"{"rules":{"malwares":true}}"#, "spec.rules has an unknown field malwares"),
        (#"{"rules":{},"mode":"Enforce"}"#, "spec.mode is \"Enforce\", must be one of enforce, warn, audit"),
        (#"{"rules":{},"mode":1}"#, "spec.mode must be a string"),
        (#"{"rules":{},"enabled":"no"}"#, "spec.enabled must be true or false"),
        (#"{"rules":{},"whenMissing":"ignore"}"#, "spec.whenMissing is"),
        (#"{"rules":{},"whenIncomplete":"wait"}"#, "spec.whenIncomplete is"),
        (#"{"rules":{},"whenMissing":"wait","waitSeconds":0}"#, "spec.waitSeconds must be a whole number from 1 to 28"),
        (#"{"rules":{},"whenMissing":"wait","waitSeconds":99999999999999999999}"#, "spec.waitSeconds"),
        (#"{"rules":{},"waitSeconds":5}"#, "spec.waitSeconds goes with whenMissing: wait"),
        (#"{"rules":{},"images":[]}"#, "spec.images must not be empty"),
        (#"{"rules":{},"images":["a b"]}"#, "spec.images[0] is \"a b\""),
        (#"{"rules":{},"images":[7]}"#, "spec.images[0] must be a name"),
        (#"{"rules":{},"namespaces":{}}"#, "spec.namespaces must hold names or a selector"),
        (
            #"{"rules":{},"namespaces":{"selector":{"matchExpressions":[{"key":"a","operator":"Is"}]}}}"#,
            "spec.namespaces.selector.matchExpressions[0].operator"
        ),
        (
            #"{"rules":{},"namespaces":{"selector":{"matchExpressions":[{"key":"a","operator":"In"}]}}}"#,
            "spec.namespaces.selector.matchExpressions[0].values must not be empty for In"
        ),
        (
            #"{"rules":{},"namespaces":{"selector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]}}}"#,
            "values must be empty for Exists"
        ),
        (#"{"rules":{},"namespaces":{"selector":{"matchLabels":{"a":1}}}}"#, "matchLabels.a must be a string"),
        (#"{"rules":{"vulnerabilities":[{}]}}"#, "spec.rules.vulnerabilities[0].severity is required"),
        (#"{"rules":{"vulnerabilities":[{"severity":"hihg"}]}}"#, "spec.rules.vulnerabilities[0].severity is \"hihg\""),
        (
            #"{"rules":{"vulnerabilities":[{"severity":"high","maxCount":-1}]}}"#,
            "spec.rules.vulnerabilities[0].maxCount"
        ),
        (
            #"{"rules":{"vulnerabilities":[{"severity":"high","max":1}]}}"#,
            "spec.rules.vulnerabilities[0] has an unknown"
        ),
        (#"{"rules":{"maxScanAge":"7"}}"#, "spec.rules.maxScanAge is"),
        (#"{"rules":{"maxScanAge":"0d"}}"#, "spec.rules.maxScanAge is"),
        (#"{"rules":{"maxScanAge":"-1d"}}"#, "spec.rules.maxScanAge is"),
        (#"{"rules":{"maxAdvisoryAge":"9999999d"}}"#, "spec.rules.maxAdvisoryAge is"),
        (#"{"rules":{"maxAdvisoryAge":7}}"#, "spec.rules.maxAdvisoryAge must be a string"),
        (#"{"rules":{"registries":"ghcr.io"}}"#, "spec.rules.registries must be a list"),
        (#"{"rules":{},"exemptions":[{"images":["nginx"],"reason":"r"}]}"#, "spec.exemptions[0].owner is required"),
        (#"{"rules":{},"exemptions":[{"owner":"o","reason":"r"}]}"#, "spec.exemptions[0] must name"),
        (
            #"{"rules":{},"exemptions":[{"images":["nginx"],"owner":"o","reason":"r","expires":"soon"}]}"#,
            "spec.exemptions[0].expires is"
        ),
    ]) func whatCannotBeReadNamesItsField(_ spec: String, _ message: String) throws {
        let error = #expect(throws: ImagePolicyError.self) { try policy(spec) }
        #expect(
            error?.message.hasPrefix(message) == true || error?.message.contains(message) == true,
            "\(error?.message ?? "")")
        #expect(error?.code == .policy)
    }

    @Test func longListsAreRefused() throws {
        let names = (0...PolicyFields.maxElements).map { #""a\#($0).example""# }.joined(separator: ",")
        let error = #expect(throws: ImagePolicyError.self) { try policy(#"{"rules":{"registries":[\#(names)]}}"#) }
        #expect(error?.message.contains("spec.rules.registries has 201 elements") == true)
    }

    @Test(arguments: [
        (#"{"apiVersion":"policy.bulwark.dev/v2","metadata":{"name":"p"},"spec":{"rules":{}}}"#, "apiVersion is"),
        (#"{"kind":"PodPolicy","metadata":{"name":"p"},"spec":{"rules":{}}}"#, "kind is"),
        (#"{"spec":{"rules":{}}}"#, "metadata.name is required"), (#"{"metadata":{"name":"p"}}"#, "spec is required"),
        (#"[]"#, "the object must be an object"),
    ]) func otherObjectsAreNoPolicies(_ text: String, _ message: String) throws {
        let error = #expect(throws: ImagePolicyError.self) { try ImagePolicy(object(text)) }
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    }

    /// What an unreadable policy says of where it counts is believed; the rest counts as strictly as can be.
    @Test func unreadablePoliciesKeepToTheirPlace() throws {
        let node = try object(
            policyText(#"{"mode":"audit","namespaces":{"names":["shop"]},"images":["nginx"],"rules":{"x":1}}"#))
        let read = ImagePolicy(unreadable: node, name: "p", problem: "why")
        #expect(read.mode == .audit && read.namespaces?.names == ["shop"] && read.images.isEmpty)
        let other = ImagePolicy(
            unreadable: try object(policyText(#"{"mode":"x","namespaces":[],"enabled":0}"#)), name: "p", problem: "why")
        #expect(other.mode == .enforce && other.namespaces == nil && other.isEnabled)
    }
}
