// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Testing

@Suite struct ConstraintMatchTests {
    private static let pod = "{kind: Pod, apiVersion: v1, metadata: {name: web-1, namespace: shop, labels: {app: web}}}"
    private static let home = "{kind: Namespace, apiVersion: v1, metadata: {name: shop, labels: {team: sales}}}"

    @Test(arguments: [
        ("{}", true), ("{kinds: [{apiGroups: [''], kinds: [Pod]}]}", true),
        ("{kinds: [{apiGroups: [apps], kinds: [Pod]}]}", false), ("{kinds: [{apiGroups: ['*'], kinds: ['*']}]}", true),
        ("{kinds: [{kinds: [Service]}, {kinds: [Pod]}]}", true), ("{scope: Cluster}", false),
        ("{scope: Namespaced}", true),
        ("{namespaces: [shop]}", true), ("{namespaces: [sho]}", false), ("{namespaces: ['sh*']}", true),
        ("{namespaces: ['*op']}", true), ("{namespaces: ['*ho*']}", true), ("{excludedNamespaces: ['s*']}", false),
        ("{name: 'web-*'}", true), ("{name: 'api-*'}", false), ("{labelSelector: {matchLabels: {app: web}}}", true),
        ("{labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}", false),
        ("{labelSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}}", true),
        ("{namespaceSelector: {matchLabels: {team: sales}}}", true),
        ("{namespaceSelector: {matchLabels: {team: other}}}", false), ("{source: Generated}", false),
    ])
    func pods(match: String, wanted: Bool) throws {
        let match = try ConstraintMatch(try yaml(match))
        #expect(
            try match.matches(try yaml(Self.pod), group: "", kind: "Pod", namespace: try yaml(Self.home)) == wanted)
    }

    @Test(arguments: [
        ("{namespaces: [shop]}", true), ("{namespaces: [other]}", false), ("{scope: Cluster}", true),
        ("{namespaceSelector: {matchLabels: {team: sales}}}", true),
    ])
    func namespacesMatchByThemselves(match: String, wanted: Bool) throws {
        let match = try ConstraintMatch(try yaml(match))
        #expect(try match.matches(try yaml(Self.home), group: "", kind: "Namespace", namespace: nil) == wanted)
    }

    @Test func clusterObjectsAreInNoNamespace() throws {
        let node = try yaml("{kind: Node, apiVersion: v1, metadata: {name: a}}")
        for text in [
            "{namespaces: [shop]}", "{excludedNamespaces: ['*']}", "{namespaceSelector: {matchLabels: {a: b}}}",
        ] {
            #expect(try ConstraintMatch(try yaml(text)).matches(node, group: "", kind: "Node", namespace: nil))
        }
    }

    @Test func anUnknownNamespaceIsAnErrorWhereItsLabelsDecide() throws {
        let match = try ConstraintMatch(try yaml("{namespaceSelector: {matchLabels: {a: b}}}"))
        #expect(throws: GatekeeperError.self) {
            try match.matches(try yaml(Self.pod), group: "", kind: "Pod", namespace: nil)
        }
    }

    @Test(arguments: [
        ("{scope: Everywhere}", "spec.match.scope"), ("{kinds: Pod}", "spec.match.kinds"),
        ("{labelSelector: {matchExpressions: [{key: a, operator: Is}]}}", "matchExpressions[0].operator"),
        ("{source: Some}", "spec.match.source"),
    ])
    func whatIsMalformedIsNamed(match: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try ConstraintMatch(try yaml(match)) }
        #expect(error?.message.contains(wanted) == true)
    }
}
