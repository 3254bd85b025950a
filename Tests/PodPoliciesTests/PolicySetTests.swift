// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PodPolicies
import Testing

@Suite struct PolicySetTests {
    private static let anything = #"{"standard":{"level":"privileged"}}"#

    /// Who, where, and the policies that count.
    struct Case: Sendable, CustomTestStringConvertible {
        var title: String
        var who: Requester
        var labels: [String: String] = [:]
        var enforce: [String] = []
        var warn: [String] = []
        var testDescription: String { title }
    }

    static let cases = [
        Case(title: "a stranger gets the default", who: .init(user: "eve", namespace: "shop"), enforce: ["default"]),
        Case(title: "a user by name", who: .init(user: "anna", namespace: "shop"), enforce: ["user"]),
        Case(title: "names are exact", who: .init(user: "annabel", namespace: "shop"), enforce: ["default"]),
        Case(
            title: "a user's group", who: .init(user: "x", groups: ["dev", "y"], namespace: "shop"), enforce: ["group"]),
        Case(
            title: "the pod's account", who: .init(user: "x", namespace: "shop", serviceAccount: "cart"),
            enforce: ["account"]),
        Case(
            title: "an account of the same name elsewhere",
            who: .init(user: "x", namespace: "other", serviceAccount: "cart"), enforce: ["default"]),
        Case(
            title: "the account as the one who asks",
            who: .init(user: "system:serviceaccount:shop:cart", namespace: "other"), enforce: ["account"]),
        Case(
            title: "all accounts of a namespace", who: .init(user: "x", namespace: "bank", serviceAccount: "any"),
            enforce: ["accounts"]),
        Case(
            title: "several at once, by name",
            who: .init(user: "anna", groups: ["dev"], namespace: "shop", serviceAccount: "cart"),
            enforce: ["account", "group", "user"]),
        Case(title: "a namespace by name", who: .init(user: "named", namespace: "shop"), enforce: ["here"]),
        Case(title: "not in another", who: .init(user: "named", namespace: "bank"), enforce: ["default"]),
        Case(
            title: "by label", who: .init(user: "labelled", namespace: "x"), labels: ["team": "a", "tier": "web"],
            enforce: ["labelled"]),
        Case(
            title: "a wrong value", who: .init(user: "labelled", namespace: "x"), labels: ["team": "c", "tier": "web"],
            enforce: ["default"]),
        Case(
            title: "a label too many", who: .init(user: "labelled", namespace: "x"),
            labels: ["team": "a", "tier": "web", "off": ""], enforce: ["default"]),
        Case(title: "a name or labels", who: .init(user: "labelled", namespace: "extra"), enforce: ["labelled"]),
        Case(
            title: "an empty selector is every namespace", who: .init(user: "everywhere", namespace: "x"),
            enforce: ["every"]),
        Case(
            title: "to try out leaves the default", who: .init(user: "trial", namespace: "shop"), enforce: ["default"],
            warn: ["trial"]),
        Case(
            title: "a binding to what is switched off", who: .init(user: "off", namespace: "shop"), enforce: ["default"]
        ),
        Case(title: "a binding to nothing", who: .init(user: "nothing", namespace: "shop"), enforce: ["default"]),
    ]

    private static func set() throws -> PolicySet {
        func subject(_ kind: String, _ name: String) -> String { #"{"kind":"\#(kind)","name":"\#(name)"}"# }
        let bound: [(String, String, String)] = [
            ("user", subject("User", "anna"), ""), ("group", subject("Group", "dev"), ""),
            ("account", #"{"kind":"ServiceAccount","name":"cart","namespace":"shop"}"#, ""),
            ("accounts", subject("Group", "system:serviceaccounts:bank"), ""),
            ("here", subject("User", "named"), #","namespaces":{"names":["shop"]}"#),
            (
                "labelled", subject("User", "labelled"),
                #","namespaces":{"names":["extra"],"selector":{"matchLabels":{"tier":"web"},"matchExpressions":[{"key":"team","operator":"In","values":["a","b"]},{"key":"off","operator":"DoesNotExist"}]}}"#
            ),
            ("every", subject("User", "everywhere"), #","namespaces":{"selector":{}}"#),
            ("trial", subject("User", "trial"), ""), ("off", subject("User", "off"), ""),
            ("missing", subject("User", "nothing"), ""),
        ]
        var policies = try bound.dropLast().map {
            try policy($0.0, $0.0 == "trial" ? #"{"mode":"warn","standard":{"level":"privileged"}}"# : anything)
        }
        if let index = policies.firstIndex(where: { $0.name == "off" }) { policies[index].isEnabled = false }
        policies.append(try policy("default", #"{"appliesByDefault":true,"standard":{"level":"privileged"}}"#))
        return PolicySet(
            policies: policies,
            bindings: try bound.map {
                try binding("b-\($0.0)", #"{"policy":"\#($0.0)","subjects":[\#($0.1)]\#($0.2)}"#)
            })
    }

    @Test(arguments: cases) func whoGetsWhat(_ given: Case) throws {
        let bound = try Self.set().bound(to: given.who, labels: given.labels)
        #expect(bound.enforce.map(\.name) == given.enforce)
        #expect(bound.warn.map(\.name) == given.warn)
    }

    @Test func bindingsToNothingAreTold() throws {
        #expect(try Self.set().bindingsToNothing.map(\.name) == ["b-missing"])
    }

    /// Which defaults stay, for every strictest mode that is bound.
    @Test(arguments: [
        ("enforce", [String]()), ("warn", ["d-enforce"]), ("audit", ["d-enforce", "d-warn"]),
        ("", ["d-enforce", "d-warn", "d-audit"]),
    ])
    func defaultsGiveWayToTheirOwnModeOrAStricterOne(bound: String, stay: [String]) throws {
        var policies = try PodPolicy.Mode.allCases.map {
            try policy(
                "d-\($0.rawValue)",
                #"{"mode":"\#($0.rawValue)","appliesByDefault":true,"standard":{"level":"baseline"}}"#)
        }
        if !bound.isEmpty { policies.append(try policy("b", #"{"mode":"\#(bound)","standard":{"level":"baseline"}}"#)) }
        let set = PolicySet(
            policies: policies,
            bindings: [PodPolicyBinding(name: "x", policy: "b", subjects: [.user("u")])])
        let found = set.bound(to: Requester(user: "u", namespace: "n"), labels: [:])
        #expect(PodPolicy.Mode.allCases.flatMap { found[$0] }.map(\.name).filter { $0 != "b" } == stay)
    }

    /// A review looks at what is bound to those who ask and at nothing else, so that its time does not grow with what
    /// is bound to others. Measured in CPU time of this thread's work, with room for a loaded machine.
    @Test func lookingUpIsFlat() throws {
        func set(_ others: Int) throws -> PolicySet {
            let own = try policy("own", Self.anything)
            return PolicySet(
                policies: [own]
                    + (0..<others).map { index in
                        var other = own
                        other.name = "other-\(index)"
                        return other
                    },
                bindings: [PodPolicyBinding(name: "own", policy: "own", subjects: [.user("u")])]
                    + (0..<others).map {
                        PodPolicyBinding(
                            name: "b\($0)", policy: "other-\($0)",
                            subjects: [.serviceAccount(namespace: "n\($0)", name: "a")])
                    })
        }
        let who = Requester(user: "u", groups: ["system:authenticated"], namespace: "n", serviceAccount: "x")
        func best(_ set: PolicySet) -> Duration {
            (0..<7).map { _ in
                ContinuousClock().measure { for _ in 0..<2000 { _ = set.bound(to: who, labels: [:]) } }
            }.min() ?? .zero
        }
        let (one, many) = (best(try set(1)), best(try set(1000)))
        #expect(many < one * 2, "\(one) against \(many)")
    }
}
