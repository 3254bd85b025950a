// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Reporting
import Store

/// What admission decided, with filters, and how much of it there was.
enum DecisionsPage {
    static let routes = [
        Route(.get, "/decisions", .viewer) { call, parts in
            let query = try DecisionsQuery(call.query, now: call.now)
            let (decisions, next) = try await query.page(parts.store.logs)
            let span = (try? DecisionsQuery.span(call.query["since"])) ?? 3600
            let counts = try await parts.store.admission.rates(
                from: call.now - span + 60, until: call.now + 60, policy: call.query["policy"])
            let policies = await parts.policies?.policies() ?? []
            return parts.pages.page(
                "decisions", title: "Decisions", call, parts,
                [
                    "off": .flag(parts.policies == nil), "any": .flag(!decisions.isEmpty),
                    "decisions": .list(decisions.map { row($0, now: call.now) }),
                    "rates": rates(counts, span: span), "filters": filters(call.query, policies),
                    "filtered": .flag(!call.query.pairs.isEmpty),
                    "older": link(call, before: next), "newest": call.query["before"] == nil ? .none : link(call),
                ])
        }
    ]

    /// This address with another place in the list.
    private static func link(_ call: Call, before: String?) -> PageValue {
        guard let before else { return .none }
        var fields = kept(call)
        fields.add("before", before)
        return .text("/decisions?\(fields.encoded)")
    }

    private static func link(_ call: Call) -> PageValue {
        let fields = kept(call)
        return .text(fields.pairs.isEmpty ? "/decisions" : "/decisions?\(fields.encoded)")
    }

    private static func kept(_ call: Call) -> Fields {
        var fields = Fields()
        for pair in call.query.pairs where pair.name != "before" && pair.name != "done" {
            fields.add(pair.name, pair.value)
        }
        return fields
    }

    private static func filters(_ query: Fields, _ policies: [PolicyDetail]) -> PageValue {
        let actions = AdmissionDecision.Action.allCases.map { (value: $0.rawValue, title: Words.action($0)) }
        var names = policies.map { (value: $0.name, title: $0.name) }
        if let chosen = query["policy"], !names.contains(where: { $0.value == chosen }) {
            names.append((chosen, chosen))
        }
        return [
            "actions": Words.options(actions, chosen: query["action"]),
            "policies": Words.options(names, chosen: query["policy"]),
            "spans": Words.options(
                DecisionsQuery.spans.map { ($0.value, $0.title) } + [("all", "any time")],
                chosen: query["since"] ?? "all"),
            "namespace": .text(query["namespace"] ?? ""), "user": .text(query["user"] ?? ""),
            "account": .text(query["serviceAccount"] ?? ""), "text": .text(query["text"] ?? ""),
            "from": .text(query["from"] ?? ""), "until": .text(query["until"] ?? ""),
        ]
    }

    static func rates(_ rates: AdmissionRates, span: Int64) -> PageValue {
        let total = rates.total
        return [
            "chart": .markup(RateChart.draw(rates)),
            "span": .text(DecisionsQuery.spans.first { $0.seconds == span }?.title ?? "the last hour"),
            "allowed": .text(Words.grouped(total[.allow])),
            "warned": .text(Words.grouped(total[.warn] + total[.audit])),
            "denied": .text(Words.grouped(total[.deny])), "errors": .text(Words.grouped(total[.error])),
            "anyErrors": .flag(total[.error] > 0), "changed": .text(Words.grouped(total.changed)),
            "mean": total.mean.map { .text(Words.milliseconds($0)) } ?? .none, "none": .flag(total.total == 0),
        ]
    }

    static func row(_ decision: AdmissionDecision, now: Int64) -> PageValue {
        let reasons = decision.reasons.map(reason)
        let subject = decision.subject
        return [
            "time": Words.time(decision.time / 1000, now: now),
            "action": .text(Words.action(decision.action)), "style": .text(Words.style(decision.action)),
            "letThrough": .flag(decision.action == .error && decision.allowed),
            "keptOut": .flag(decision.action == .error && !decision.allowed),
            "operation": .text(decision.operation.lowercased()), "kind": .text(subject.kind),
            "namespace": .text(subject.namespace), "object": .text(subject.name),
            "workload": .text(decision.workload == subject.name ? "" : decision.workload),
            "user": .text(decision.user), "account": .text(decision.serviceAccount),
            "policy": .text(decision.policy), "policyLink": .text("/policies/\(Fields.encode(decision.policy))"),
            "dryRun": .flag(decision.dryRun), "changed": .flag(decision.changed),
            "took": .text(Words.milliseconds(decision.microseconds)),
            "reasons": .list(Array(reasons.prefix(1))), "more": .list(Array(reasons.dropFirst(1))),
            "moreCount": reasons.count > 1 ? .text("\(reasons.count - 1) more") : .none,
        ]
    }

    static func reason(_ reason: AdmissionDecision.Reason) -> PageValue {
        [
            "container": .text(reason.container), "path": .text(reason.path), "value": .text(reason.value),
            "message": .text(reason.message), "remedy": .text(reason.remedy), "by": .text(reason.policy),
        ]
    }
}

extension Words {
    static func action(_ action: AdmissionDecision.Action) -> String {
        switch action {
        case .allow: "allowed"
        case .warn: "warned"
        case .audit: "audited"
        case .deny: "denied"
        case .error: "not judged"
        }
    }

    static func style(_ action: AdmissionDecision.Action) -> String {
        switch action {
        case .allow: "better"
        case .warn, .audit: "caution"
        case .deny, .error: "worse"
        }
    }

    /// `0.8 ms`
    static func milliseconds(_ microseconds: Int) -> String {
        let tenths = (microseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
