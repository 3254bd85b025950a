// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PodPolicies

func standard(
    _ name: String, _ level: PodSecurityStandard.Level = .privileged, mode: PodPolicy.Mode = .enforce,
    isEnabled: Bool = true, isDefault: Bool = false, exemptions: [PolicyExemption] = []
) -> PodPolicy {
    PodPolicy(
        name: name, mode: mode, rules: .standard(PodSecurityStandard(level)), isEnabled: isEnabled,
        isDefault: isDefault, exemptions: exemptions)
}

func binding(
    _ policy: String, _ subjects: PodPolicyBinding.Subject..., namespaces: NamespaceSelection? = nil,
    name: String? = nil
) -> PodPolicyBinding {
    PodPolicyBinding(name: name ?? "bind-\(policy)", policy: policy, subjects: subjects, namespaces: namespaces)
}

extension PolicySet.Bound {
    fileprivate var names: [String] { (enforce + warn + audit).map(\.name) }
}

@Suite struct BindingTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var title: String
        var subject: PodPolicyBinding.Subject
        var namespaces: NamespaceSelection?
        var binds: Bool

        init(
            _ title: String, _ subject: PodPolicyBinding.Subject, _ namespaces: NamespaceSelection? = nil, _ binds: Bool
        ) {
            (self.title, self.subject, self.namespaces, self.binds) = (title, subject, namespaces, binds)
        }

        var testDescription: String { title }
    }

    /// jane of the group dev makes a pod that runs as cart in the namespace shop, which is labelled team=a.
    static let requester = Requester(user: "jane", groups: ["dev"], namespace: "shop", serviceAccount: "cart")
    private static let jane = PodPolicyBinding.Subject.user("jane")

    private static func labelled(
        _ key: String, _ condition: NamespaceSelection.Requirement.Operator, _ values: String...
    ) -> NamespaceSelection {
        NamespaceSelection(selector: [.init(key: key, operator: condition, values: values)])
    }

    static let cases = [
        Case("the user", jane, nil, true), Case("another user", .user("joe"), nil, false),
        Case("the user's group", .group("dev"), nil, true), Case("another group", .group("ops"), nil, false),
        Case("the account", .serviceAccount(namespace: "shop", name: "cart"), nil, true),
        Case("its namesake elsewhere", .serviceAccount(namespace: "pay", name: "cart"), nil, false),
        Case("another account", .serviceAccount(namespace: "shop", name: "till"), nil, false),
        Case("the account by its user name", .user("system:serviceaccount:shop:cart"), nil, true),
        Case("all accounts", .group("system:serviceaccounts"), nil, true),
        Case("the namespace's accounts", .group("system:serviceaccounts:shop"), nil, true),
        Case("another namespace's accounts", .group("system:serviceaccounts:pay"), nil, false),
        Case("whoever is known", .group("system:authenticated"), nil, true),
        Case("whoever is not", .group("system:unauthenticated"), nil, false),
        Case("a user named like a group", .user("dev"), nil, false),
        Case("in the namespace", jane, .init(names: ["pay", "shop"]), true),
        Case("in another", jane, .init(names: ["pay"]), false),
        Case("every label", jane, .init(selector: []), true),
        Case("label in", jane, labelled("team", .isIn, "a", "b"), true),
        Case("label not in", jane, labelled("team", .notIn, "a"), false),
        Case("absent label not in", jane, labelled("zone", .notIn, "a"), true),
        Case("absent label in", jane, labelled("zone", .isIn, "a"), false),
        Case("label exists", jane, labelled("team", .exists), true),
        Case("label does not exist", jane, labelled("team", .doesNotExist), false),
        Case(
            "a name or a label", jane,
            .init(names: ["shop"], selector: [.init(key: "zone", operator: .exists)]), true),
        Case(
            "all labels", jane,
            .init(selector: [.init(key: "team", operator: .exists), .init(key: "zone", operator: .exists)]), false),
    ]

    @Test(arguments: cases) func finds(_ row: Case) {
        let set = PolicySet(
            policies: [standard("p")], bindings: [binding("p", row.subject, namespaces: row.namespaces)])
        #expect(set.bound(to: Self.requester, labels: ["team": "a"]).names == (row.binds ? ["p"] : []))
    }

    @Test func aPodWithoutAnAccountRunsAsDefault() throws {
        #expect(try pod().account == "default")
        #expect(Requester.controller(of: "apps/Deployment", namespace: "n", pod: try pod()).serviceAccount == "default")
    }

    @Test func eachModeIsItsOwnSetByName() {
        let policies = [
            standard("d"), standard("a"), standard("c", mode: .warn), standard("b", mode: .warn),
            standard("e", mode: .audit), standard("off", isEnabled: false),
        ]
        let set = PolicySet(
            policies: policies, bindings: policies.map { binding($0.name, .user("jane"), .group("dev")) })
        let bound = set.bound(to: Self.requester, labels: [:])
        #expect(bound.enforce.map(\.name) == ["a", "d"])
        #expect(bound.warn.map(\.name) == ["b", "c"])
        #expect(bound.audit.map(\.name) == ["e"])
    }

    @Test(arguments: PodPolicy.Mode.allCases) func defaultsApplyWhereNothingIsBound(mode: PodPolicy.Mode) {
        let defaults = [
            standard("default-enforce", isDefault: true), standard("default-warn", mode: .warn, isDefault: true),
            standard("default-off", isEnabled: false, isDefault: true),
        ]
        let set = PolicySet(
            policies: defaults + [standard("own", mode: mode)], bindings: [binding("own", .user("jane"))])
        #expect(set.bound(to: Self.requester, labels: [:]).names == ["own"])
        let other = Requester(user: "joe", namespace: "shop", serviceAccount: "cart")
        #expect(set.bound(to: other, labels: [:]).names == ["default-enforce", "default-warn"])
    }

    @Test func aBindingToNothingBindsNobody() {
        let loose = binding("gone", .user("jane"))
        let set = PolicySet(
            policies: [standard("default", isDefault: true), standard("off", isEnabled: false)],
            bindings: [loose, binding("off", .user("jane"))])
        #expect(set.bound(to: Self.requester, labels: [:]).names == ["default"])
        #expect(set.bindingsToNothing == [loose])
    }

    @Test func knowsWhetherLabelsDecide() {
        let policies = [standard("p")]
        func uses(_ namespaces: NamespaceSelection?, labels: Bool = false) -> Bool {
            PolicySet(
                policies: policies, bindings: [binding("p", .group("g"), namespaces: namespaces)],
                control: AdmissionControl(podSecurityLabels: labels)
            ).usesLabels
        }
        #expect(!uses(nil) && !uses(.init(names: ["a"])))
        #expect(uses(.init(selector: [])) && uses(nil, labels: true))
    }

    /// What an index holds follows the changes; an object that cannot be read leaves its last good version.
    @Test func theIndexFollowsChanges() throws {
        let index = PolicyIndex()
        #expect(index.waitsFor != nil)
        let good = #"{"metadata": {"name": "p"}, "spec": {"standard": {"level": "baseline"}}}"#
        let bad = #"{"metadata": {"name": "p"}, "spec": {"standard": {"level": "basic"}}}"#
        index.put(policy: try read(bad), name: "p")
        #expect(index.set.policies.isEmpty && index.problems.map(\.keepsLast) == [false])
        index.put(policy: try read(good), name: "p")
        #expect(index.set.policies.map(\.name) == ["p"] && index.problems.isEmpty)
        let revision = index.revision
        index.put(policy: try read(bad), name: "p")
        #expect(index.set.policies.map(\.name) == ["p"] && index.problems.map(\.keepsLast) == [true])
        #expect(index.problem(kind: "PodPolicy", name: "p")?.message.contains("spec.standard.level") == true)
        #expect(index.revision > revision)
        index.remove(policy: "p")
        #expect(index.set.policies.isEmpty && index.problems.isEmpty)
        index.put(namespace: "n", labels: ["a": "b"])
        #expect(index.moment(namespace: "n").labels == ["a": "b"])
        index.put(namespace: "n", labels: nil)
        #expect(index.moment(namespace: "n").labels == nil)
    }

    /// Policies that are bound to others cost nothing: the work of a look-up is what it finds.
    @Test func lookingUpCostsWhatIsFound() {
        func time(_ others: Int) -> Duration {
            let policies = (0...others).map { standard("p\($0)") }
            let bindings = policies.enumerated().map { index, policy in
                binding(
                    policy.name,
                    index == 0 ? .user("jane") : .serviceAccount(namespace: "other", name: "account-\(index)"))
            }
            let set = PolicySet(policies: policies, bindings: bindings)
            let clock = ContinuousClock()
            return (0..<41).map { _ in
                clock.measure { for _ in 0..<200 { _ = set.bound(to: Self.requester, labels: [:]) } }
            }.sorted()[20]
        }
        // A shared machine may disturb one measurement; a cost that grows with the policies disturbs them all.
        let ratios = (0..<5).map { _ in time(100) / time(1) }
        #expect(ratios.min().map { $0 < 1.2 } == true, "\(ratios)")
    }
}
