// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird

/// Binding a policy: first what it would do, then the button.
enum BindPage {
    static let routes = [
        Route(.get, "/bindings/new", .viewer) { call, parts in
            guard parts.policies != nil else {
                return parts.pages.page("admission-off", title: "Bind a policy", call, parts, [:])
            }
            guard call.query["preview"] != nil else { return await form(call.query, call, parts) }
            do {
                let draft = try draft(call.query)
                _ = try await PoliciesPage.detail(draft.policy, try PoliciesPage.control(parts))
                let preview = try await PoliciesPage.control(parts).preview(draft)
                return await form(call.query, call, parts, draft: draft, preview: preview)
            } catch let error as ConsoleError {
                return await form(call.query, call, parts, problem: error)
            }
        },
        Route(.post, "/bindings", .administrator) { call, parts in
            do {
                let draft = try draft(call.form)
                try await bind(draft, call, parts)
                return Reply.redirect("/policies?done=bound#bindings")
            } catch let error as ConsoleError where [.invalid, .conflict, .forbidden, .notFound].contains(error.code) {
                return await form(call.form, call, parts, problem: error)
            }
        },
        Route(.post, "/bindings/{name}/remove", .administrator) { call, parts in
            try await unbind(try call.parameter("name"), call, parts)
            return Reply.redirect("/policies?done=unbound#bindings")
        },
    ]

    static func bind(_ draft: BindingDraft, _ call: Call, _ parts: ConsoleParts) async throws {
        let control = try PoliciesPage.control(parts)
        _ = try await PoliciesPage.detail(draft.policy, control)
        guard await !control.bindings().contains(where: { $0.name == draft.name }) else {
            throw ConsoleError(.conflict, "There is a binding \(draft.name) already: choose another name.")
        }
        try await control.bind(draft, by: try call.person.label)
        parts.log("Bound a pod policy", call, ["binding": "\(draft.name)", "policy": "\(draft.policy)"])
    }

    static func unbind(_ name: String, _ call: Call, _ parts: ConsoleParts) async throws {
        let control = try PoliciesPage.control(parts)
        guard await control.bindings().contains(where: { $0.name == name }) else {
            throw ConsoleError(.notFound, "There is no binding \(name).")
        }
        try await control.unbind(name, by: try call.person.label)
        parts.log("Unbound a pod policy", call, ["binding": "\(name)"])
    }

    static func draft(_ fields: Fields) throws -> BindingDraft {
        try draft(
            name: fields["name"] ?? "", policy: fields["policy"] ?? "",
            subjects: fields.all("subjects").flatMap { lines($0) },
            namespaces: fields.all("namespaces").flatMap { words($0) })
    }

    static func draft(name: String, policy: String, subjects: [String], namespaces: [String]) throws -> BindingDraft {
        guard !policy.isEmpty else { throw ConsoleError(.invalid, "Choose a policy.") }
        guard isName(name) else {
            throw ConsoleError(.invalid, "The binding's name is up to 253 of a-z, 0-9, '-' and '.'.")
        }
        guard !subjects.isEmpty, subjects.count <= 100 else {
            throw ConsoleError(.invalid, "Say for whom the policy is: 1 to 100 service accounts, users or groups.")
        }
        let found = try subjects.map { text in
            guard let subject = BindingSubject(text), text.utf8.count <= 600 else {
                throw ConsoleError(
                    .invalid,
                    "\"\(text.prefix(80))\" is nobody: write namespace/name for a service account, "
                        + "user:NAME or group:NAME.")
            }
            return subject
        }
        guard namespaces.count <= 200 else { throw ConsoleError(.invalid, "At most 200 namespaces.") }
        return BindingDraft(
            name: name, policy: policy, subjects: found, namespaces: try namespaces.map(PoliciesPage.namespace))
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { Fields.trim(String($0)) }.filter { !$0.isEmpty }
    }

    private static func words(_ text: String) -> [String] {
        text.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    /// The name of an object (RFC 1123 subdomain).
    private static func isName(_ name: String) -> Bool {
        let fits = name.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || "-.".utf8.contains(byte)
        }
        return fits && (1...253).contains(name.utf8.count) && !"-.".contains(name.first ?? "-")
            && !"-.".contains(name.last ?? "-")
    }

    private static func form(
        _ fields: Fields, _ call: Call, _ parts: ConsoleParts, draft: BindingDraft? = nil,
        preview: BindingPreview? = nil, problem: ConsoleError? = nil
    ) async -> Response {
        let policies = await parts.policies?.policies() ?? []
        return parts.pages.page(
            "bind", title: "Bind a policy", call, parts, status: problem.map { Reply.status($0.code) } ?? .ok,
            [
                "problem": .text(problem?.message ?? ""),
                "policies": Words.options(
                    policies.map { ($0.name, "\($0.name) (\($0.mode))") }, chosen: fields["policy"]),
                "bindingName": .text(fields["name"] ?? ""),
                "subjects": .text(fields.all("subjects").joined(separator: "\n")),
                "namespaces": .text(fields.all("namespaces").joined(separator: ", ")),
                "chosen": .text(draft?.policy ?? ""), "preview": preview.map(Self.preview) ?? .none,
            ])
    }

    private static func preview(_ preview: BindingPreview) -> PageValue {
        func count(_ verdict: BindingPreview.Workload.Verdict) -> PageValue {
            .text(Words.grouped(preview.counts[verdict] ?? 0))
        }
        let total = preview.counts.values.reduce(0, +)
        return [
            "refused": count(.refused), "changed": count(.changed), "warned": count(.warned),
            "accepted": count(.accepted), "errors": count(.error),
            "anyErrors": .flag((preview.counts[.error] ?? 0) > 0), "nothing": .flag(total == 0),
            "harmless": .flag(
                total > 0 && (preview.counts[.accepted] ?? 0) + (preview.counts[.warned] ?? 0) == total),
            "breaks": (preview.counts[.refused] ?? 0) > 0
                ? .text(Words.plural(preview.counts[.refused] ?? 0, "workload")) : .none,
            "workloads": .list(preview.workloads.prefix(200).map(workload)),
            "left": preview.workloads.count > 200 ? .text(Words.grouped(preview.workloads.count - 200)) : .none,
        ]
    }

    private static func workload(_ workload: BindingPreview.Workload) -> PageValue {
        let (word, style, level) =
            switch workload.verdict {
            case .refused: ("would be refused", "worse", "4")
            case .error: ("cannot be judged", "worse", "4")
            case .changed: ("would be changed", "caution", "3")
            case .warned: ("would be warned of", "caution", "2")
            case .accepted: ("stays as it is", "better", "1")
            }
        return [
            "kind": .text(workload.subject.kind), "namespace": .text(workload.subject.namespace),
            "object": .text(workload.subject.name), "account": .text(workload.serviceAccount),
            "verdict": .text(word), "style": .text(style), "level": .text(level), "by": .text(workload.policy),
            "reasons": .list(workload.reasons.map(DecisionsPage.reason)),
            "anyReasons": .flag(!workload.reasons.isEmpty), "anyChanges": .flag(!workload.changes.isEmpty),
            "changes": .list(
                workload.changes.map {
                    [
                        "container": .text($0.container), "path": .text($0.path), "before": .text($0.before),
                        "after": .text($0.after),
                    ]
                }),
        ]
    }
}
