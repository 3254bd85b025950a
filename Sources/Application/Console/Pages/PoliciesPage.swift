// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// Pod policies: which there are, for whom, how admission goes, and the switches.
enum PoliciesPage {
    static let routes = [
        Route(.get, "/policies", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/policies/{name}", .viewer) { call, parts in
            try await one(try call.parameter("name"), call, parts)
        },
        Route(.post, "/policies/{name}/switch", .administrator) { call, parts in
            let (name, isEnabled) = (try call.parameter("name"), try flag(call.form))
            _ = try await detail(name, try control(parts))
            try await control(parts).setPolicy(name, isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched a pod policy", call, ["policy": "\(name)", "on": "\(isEnabled)"])
            let back = call.form["back"] == "policy" ? "/policies/\(Fields.encode(name))" : "/policies"
            return Reply.redirect("\(back)?done=\(isEnabled ? "policyOn" : "policyOff")")
        },
        Route(.post, "/admission/namespaces", .administrator) { call, parts in
            let isEnabled = try flag(call.form)
            let name = try namespace(call.form["namespace"] ?? "")
            try await control(parts).setNamespace(name, isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched admission of a namespace", call, ["namespace": "\(name)", "on": "\(isEnabled)"])
            return Reply.redirect("/policies?done=\(isEnabled ? "namespaceOn" : "namespaceOff")")
        },
        Route(.post, "/admission/control", .administrator) { call, parts in
            let isEnabled = try flag(call.form)
            try await control(parts).setControl(isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched admission", call, ["on": "\(isEnabled)"])
            return Reply.redirect("/policies?done=\(isEnabled ? "controlOn" : "controlOff")")
        },
    ]

    static func control(_ parts: ConsoleParts) throws -> any PolicyControl {
        guard let control = parts.policies else {
            throw ConsoleError(.unavailable, "Admission is off: start the server with --admission.")
        }
        return control
    }

    static func detail(_ name: String, _ control: any PolicyControl) async throws -> PolicyDetail {
        guard let policy = await control.policies().first(where: { $0.name == name }) else {
            throw ConsoleError(.notFound, "There is no pod policy \(name).")
        }
        return policy
    }

    /// A name that a namespace can have (RFC 1123 label).
    static func namespace(_ name: String) throws -> String {
        let fits = name.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard fits, (1...63).contains(name.utf8.count), name.first != "-", name.last != "-" else {
            throw ConsoleError(.invalid, "A namespace's name is up to 63 of a-z, 0-9 and '-'.")
        }
        return name
    }

    private static func flag(_ form: Fields) throws -> Bool {
        switch form["enabled"] {
        case "true": true
        case "false": false
        default: throw ConsoleError(.invalid, "enabled is true or false.")
        }
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        guard let control = parts.policies else {
            return parts.pages.page("admission-off", title: "Pod policies", call, parts, [:])
        }
        let (state, policies, bindings) = (await control.state(), await control.policies(), await control.bindings())
        let day = try await parts.store.admission.rates(from: call.now - 86_400, until: call.now + 60, steps: 1)
        let hour = try await parts.store.admission.rates(from: call.now - 3540, until: call.now + 60)
        return parts.pages.page(
            "policies", title: "Pod policies", call, parts,
            [
                "enabled": .flag(state.isEnabled), "waits": .text(state.waitsFor ?? ""),
                "works": .flag(state.isEnabled && state.waitsFor == nil),
                "open": .flag(state.failurePolicy == "Ignore"), "failure": .text(state.failurePolicy),
                "dropped": state.dropped > 0 ? .text(Words.plural(state.dropped, "decision")) : .none,
                "rates": DecisionsPage.rates(hour, span: 3600),
                "any": .flag(!policies.isEmpty), "count": .text(Words.plural(policies.count, "policy", "policies")),
                "policies": .list(
                    policies.map { policy in
                        row(policy, bindings.filter { $0.policy == policy.name }.count, day.byPolicy[policy.name])
                    }),
                "anyBindings": .flag(!bindings.isEmpty), "bindings": .list(bindings.map(row)),
                "namespacesOff": .list(state.disabledNamespaces.map { ["off": .text($0)] }),
                "excluded": .text(state.excludedNamespaces.joined(separator: ", ")),
            ])
    }

    private static func row(_ policy: PolicyDetail, _ bound: Int, _ counts: AdmissionRates.Counts?) -> PageValue {
        [
            "policy": .text(policy.name), "link": .text("/policies/\(Fields.encode(policy.name))"),
            "mode": .text(policy.mode), "kind": .text(kind(policy)), "isDefault": .flag(policy.isDefault),
            "on": .flag(policy.isEnabled), "problem": .text(policy.problem),
            "bound": .text(Words.plural(bound, "binding")), "unbound": .flag(bound == 0 && !policy.isDefault),
            "exemptions": policy.exemptions.isEmpty ? .none : .text(Words.plural(policy.exemptions.count, "exemption")),
            "denied": .text(Words.grouped(counts?[.deny] ?? 0)), "anyDenied": .flag((counts?[.deny] ?? 0) > 0),
            "warned": .text(Words.grouped((counts?[.warn] ?? 0) + (counts?[.audit] ?? 0))),
            "deniedLink": .text("/decisions?\(filter(policy.name, "deny"))"),
        ]
    }

    private static func filter(_ policy: String, _ action: String) -> String {
        var fields = Fields()
        fields.add("policy", policy)
        fields.add("action", action)
        return fields.encoded
    }

    private static func kind(_ policy: PolicyDetail) -> String {
        policy.kind == "fields"
            ? Words.plural(policy.rules.count { $0.isRestricting }, "restriction") : "standard \(policy.kind)"
    }

    private static func row(_ binding: BindingDetail) -> PageValue {
        [
            "binding": .text(binding.name), "policy": .text(binding.policy),
            "policyLink": .text("/policies/\(Fields.encode(binding.policy))"),
            "path": .text("/bindings/\(Fields.encode(binding.name))/remove"),
            "subjects": .list(binding.subjects.map(subject)),
            "nobody": .flag(binding.subjects.isEmpty),
            "places": .text(binding.namespaces.joined(separator: ", ")), "selector": .text(binding.selector),
            "everywhere": .flag(binding.namespaces.isEmpty && binding.selector.isEmpty),
            "problem": .text(binding.problem),
        ]
    }

    static func subject(_ subject: BindingSubject) -> PageValue {
        switch subject {
        case .user(let name): ["sort": "user", "who": .text(name)]
        case .group(let name): ["sort": "group", "who": .text(name)]
        case .serviceAccount(let namespace, let name):
            ["sort": "service account", "who": .text("\(namespace)/\(name)")]
        }
    }

    private static func one(_ name: String, _ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let control = try control(parts)
        let policy = try await detail(name, control)
        let bindings = await control.bindings().filter { $0.policy == name }
        let rates = try await parts.store.admission.rates(
            from: call.now - 86_400 + 60, until: call.now + 60, policy: name)
        var query = try DecisionsQuery(Fields(), now: call.now)
        query.query.events = ["deny", "error"]
        query.query.fragments = [AdmissionDecision.fragment("policy", name)]
        query.query.limit = 10
        let recent = try await query.page(parts.store.logs).decisions
        var bind = Fields()
        bind.add("policy", name)
        return parts.pages.page(
            "policy", title: name, call, parts,
            [
                "policy": .text(name), "mode": .text(policy.mode), "kind": .text(kind(policy)),
                "modeMeans": .text(meaning(policy.mode)), "isDefault": .flag(policy.isDefault),
                "on": .flag(policy.isEnabled), "problem": .text(policy.problem),
                "path": .text("/policies/\(Fields.encode(name))/switch"),
                "bind": .text("/bindings/new?\(bind.encoded)"),
                "rules": .list(
                    policy.rules.map {
                        ["rule": .text($0.title), "value": .text($0.value), "restricts": .flag($0.isRestricting)]
                    }),
                "anyBindings": .flag(!bindings.isEmpty), "bindings": .list(bindings.map(row)),
                "anyExemptions": .flag(!policy.exemptions.isEmpty),
                "exemptions": .list(policy.exemptions.map { exemption($0, now: call.now) }),
                "rates": DecisionsPage.rates(rates, span: 86_400),
                "anyRecent": .flag(!recent.isEmpty),
                "decisions": .list(recent.map { DecisionsPage.row($0, now: call.now) }),
                "all": .text("/decisions?\(filter(name, "deny"))"),
            ])
    }

    private static func meaning(_ mode: String) -> String {
        switch mode {
        case "enforce": "What no enforced policy accepts is refused; the chosen one fills in its defaults."
        case "warn": "Everything is admitted; whoever asks is told what would be refused."
        default: "Everything is admitted; the audit log is told what would be refused."
        }
    }

    private static func exemption(_ exemption: PolicyDetail.Exemption, now: Int64) -> PageValue {
        let who = [
            ("users", exemption.users), ("namespaces", exemption.namespaces),
            ("runtime classes", exemption.runtimeClasses),
        ].filter { !$0.1.isEmpty }
        return [
            "owner": .text(exemption.owner), "reason": .text(exemption.reason),
            "who": .list(who.map { ["field": .text($0.0), "names": .text($0.1.joined(separator: ", "))] }),
            "everyone": .flag(who.isEmpty), "expired": .flag(exemption.expiry.map { $0 <= now } ?? false),
            "expires": Words.time(exemption.expiry, now: now),
        ]
    }
}
