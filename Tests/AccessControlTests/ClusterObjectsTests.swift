// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

@Suite struct ClusterObjectsTests {
    private static func config(_ spec: String, name: String = "config") -> String {
        "{apiVersion: config.gatekeeper.sh/v1alpha1, kind: Config, metadata: {name: \(name)}, spec: {\(spec)}}"
    }
    private static func provider(_ spec: String) -> String {
        "{apiVersion: externaldata.gatekeeper.sh/v1beta1, kind: Provider, metadata: {name: p}, spec: {\(spec)}}"
    }
    private static func constraint(_ spec: String) -> String {
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K, metadata: {name: c}, spec: {\(spec)}}"
    }

    @Test(arguments: [
        ("kube-system", GatekeeperConfig.Activity.webhook, true), ("kube-system", .audit, false),
        ("kube-x", .webhook, true),
        ("off", .audit, true), ("off", .mutation, true), ("shop", .webhook, false),
    ])
    func namespacesAreLeftOut(namespace: String, activity: GatekeeperConfig.Activity, wanted: Bool) throws {
        let text = Self.config(
            "match: [{excludedNamespaces: ['kube-*'], processes: [webhook]}, {excludedNamespaces: ['off'], processes: ['*']}]"
        )
        #expect(try GatekeeperConfig(try yaml(text)).excludes(namespace: namespace, from: activity) == wanted)
    }

    @Test func kindsAreSynced() throws {
        let config = try GatekeeperConfig(
            try yaml(Self.config("sync: {syncOnly: [{group: '', version: v1, kind: Service}]}")))
        #expect(config.kinds.map(\.kind) == ["Service"])
        let set = try SyncSet(
            try yaml(
                "{apiVersion: syncset.gatekeeper.sh/v1alpha1, kind: SyncSet, metadata: {name: s}, spec: {gvks: [{group: apps, version: v1, kind: Deployment}]}}"
            ))
        #expect(set.kinds.map(\.group) == ["apps"])
    }

    @Test func providersSayHowTheyAreAsked() throws {
        let provider = try ExternalDataProvider(
            try yaml(Self.provider("url: 'https://p.example.com/v', timeout: 3, caBundle: QQ==")))
        #expect(provider.timeout == 3)
        #expect(provider.url == "https://p.example.com/v")
    }

    @Test(arguments: [
        (config("match: [{processes: [sleep]}]"), "spec.match[0].processes"),
        (config("", name: "other"), "metadata.name must be config"),
        (config("sync: {syncOnly: [{version: v1}]}"), "spec.sync.syncOnly[0].kind is missing"),
        (config("match: 5"), "spec.match is no list"),
    ])
    func malformedConfigsAreNamed(text: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try GatekeeperConfig(try yaml(text)) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("url: 'http://p', caBundle: QQ==", "spec.url"), ("url: 'https://p'", "spec.caBundle is missing"),
        ("url: 'https://p', caBundle: QQ==, timeout: 600", "spec.timeout"),
    ])
    func malformedProvidersAreNamed(spec: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try ExternalDataProvider(try yaml(Self.provider(spec))) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("enforcementAction: scoped", "spec.scopedEnforcementActions is missing"),
        ("enforcementAction: block", "spec.enforcementAction"),
        ("scopedEnforcementActions: [{action: scoped}]", "spec.scopedEnforcementActions[0].action"),
        ("match: []", "spec.match is no object"),
        ("scopedEnforcementActions: [{action: deny, enforcementPoints: [{}]}]", "enforcementPoints[0].name is missing"),
        ("match: {kinds: [5]}", "spec.match.kinds[0]"), ("match: {name: 5}", "spec.match.name"),
        ("enforcementAction: 5", "spec.enforcementAction"),
        (
            "match: {labelSelector: {matchExpressions: [{key: a, operator: In}]}}",
            "matchExpressions[0].values is missing"
        ),
    ])
    func malformedConstraintsAreNamed(spec: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) {
            try Constraint(try yaml(Self.constraint(spec)), schema: nil)
        }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [("web-*", true), ("*-x", false), ("web-", false), ("*eb*", true)])
    func namesToBeMadeMatchByTheirBeginning(pattern: String, wanted: Bool) throws {
        let match = try ConstraintMatch(try yaml("{name: '\(pattern)'}"))
        let pod = try yaml("{kind: Pod, metadata: {generateName: web-, namespace: n}}")
        #expect(try match.matches(pod, group: "", kind: "Pod", namespace: nil) == wanted)
    }

    @Test func whatHasNoNamespaceHasNoneInItsReview() throws {
        let review = try ReviewInput(try yaml("{apiVersion: v1, kind: Node, metadata: {name: a}}")) { _ in nil }.review
        #expect(review.members?["namespace"] == nil)
        #expect(review.members?["name"]?.text == "a")
        #expect(review.members?["oldObject"]?.kind == .null)
    }
}
