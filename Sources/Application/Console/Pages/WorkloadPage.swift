// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// The objects with problems, and everything that is known about one of them.
enum WorkloadPage {
    static let routes = [
        Route(.get, "/workloads", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/workload", .viewer) { call, parts in try await show(call, parts) },
    ]

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let (number, size) = try FindingsQuery.paging(call.query)
        let page = try await parts.store.ledger.workloads(
            try FindingsQuery(call.query).filter, limit: size, offset: (number - 1) * size)
        let all = try await parts.store.ledger.counts(.open)
        let namespaces = all.byNamespace.keys.sorted().map { name in
            (value: name.isEmpty ? FindingsQuery.noNamespace : name, title: name.isEmpty ? "(cluster-wide)" : name)
        }
        return parts.pages.page(
            "workloads", title: "Workloads", call, parts,
            [
                "workloads": .list(
                    page.workloads.map { risk in
                        [
                            "kind": .text(risk.subject.kind), "namespace": .text(risk.subject.namespace),
                            "name": .text(risk.subject.name), "link": .text("/workload?\(risk.subject.query)"),
                            "total": .text(Words.grouped(risk.total)), "counts": counts(risk.bySeverity),
                        ]
                    }),
                "any": .flag(!page.workloads.isEmpty), "total": .text(Words.plural(page.total, "workload")),
                "namespaces": Words.options(namespaces, chosen: call.query["namespace"]),
                "kinds": Words.options(
                    all.byKind.keys.sorted().map { ($0, $0) }, chosen: call.query["kind"]),
                "text": .text(call.query["text"] ?? ""),
                "pager": FindingsPage.pager(call, page: number, size: size, total: page.total),
            ])
    }

    static func counts(_ counts: [Severity: Int]) -> PageValue {
        .list(
            Severity.allCases.reversed().compactMap { severity in
                guard let count = counts[severity], count > 0 else { return nil }
                return ["count": .text(Words.grouped(count)), "severity": Words.severity(severity)]
            })
    }

    private static func show(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let subject = try Subject(call.query)
        // What runs an image is worth a page also when nothing is wrong with it.
        guard let known = try await WorkloadFindings.read(subject, parts) else {
            throw ConsoleError(
                .notFound, "Nothing is known about \(subject.display): it never had a problem, or not for long.")
        }
        let (found, findings, containers) = (known.subject, known.findings, known.containers)
        let open = findings.filter(isOpen)
        let fixable = open.contains { parts.checks[$0.checkID]?.fixable == true }
        let patch = fixable ? await parts.control.suggestedPatch(for: found) : nil
        let exemptions = try await parts.store.ledger.allExemptions()
        let reasons = Dictionary(exemptions.map { ($0.id, $0) }) { first, _ in first }
        return parts.pages.page(
            "workload", title: found.display, call, parts,
            [
                "kind": .text(found.kind), "name": .text(found.name), "namespace": .text(found.namespace),
                "apiVersion": .text(found.apiVersion), "cluster": .text(found.cluster),
                "open": .text(Words.plural(open.count, "open finding")), "clean": .flag(open.isEmpty),
                "counts": counts(Dictionary(grouping: open, by: \.severity).mapValues(\.count)),
                "anyImages": .flag(!containers.isEmpty),
                "containers": .list(containers.map { container($0, now: call.now) }),
                "imagePage": parts.images == nil
                    ? .none : found.imageDigest.map { .text(ImagesPage.link($0)) } ?? .none,
                "groups": .list(
                    groups(findings, parts).map { group in
                        .map(
                            group.about.merging([
                                "findings": .list(
                                    group.findings.map { result($0, parts, call, reasons[$0.exemptionID]) })
                            ]) { $1 })
                    }),
                "patch": .list((patch ?? "").isEmpty ? [] : lines(patch ?? "")),
                "hasPatch": .flag(!(patch ?? "").isEmpty),
                "soon": .text(ExemptionsPage.standardExpiry(now: call.now)),
                "today": .text(ExemptionsPage.date(call.now)), "back": .text("/workload?\(found.query)"),
            ])
    }

    private static func container(_ container: ContainerImage, now: Int64) -> PageValue {
        let (name, registry) = Words.image(container.reference)
        return [
            "container": .text(container.container), "pods": .text(Words.plural(container.pods, "pod")),
            "shown": .text(name), "registry": .text(registry),
            "image": container.image.map { ImagesPage.row($0, now: now) } ?? .none,
        ]
    }

    /// The findings of each check together, in their order.
    private static func groups(_ findings: [Finding], _ parts: ConsoleParts) -> [(
        about: [String: PageValue], findings: [Finding]
    )] {
        var order: [String] = []
        var groups: [String: [Finding]] = [:]
        for finding in findings {
            // What is over stands apart from what is open.
            let key = "\(isOpen(finding)) \(finding.checkID) \(finding.severity)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(finding)
        }
        return order.compactMap { key in
            guard let findings = groups[key], let first = findings.first else { return nil }
            let check = parts.checks[first.checkID]
            let about: [String: PageValue] = [
                "check": .text(first.checkID), "checkTitle": .text(check?.title ?? first.checkID),
                "severity": Words.severity(first.severity), "over": .flag(!isOpen(first)),
                "fixable": .flag(check?.fixable == true && isOpen(first)),
                "why": Words.prose(check?.why ?? ""), "remedy": Words.prose(check?.remediation ?? ""),
            ]
            return (about, findings)
        }
    }

    private static func isOpen(_ finding: Finding) -> Bool { finding.status == .new || finding.status == .inProgress }

    private static func result(
        _ finding: Finding, _ parts: ConsoleParts, _ call: Call, _ exemption: Exemption?
    ) -> PageValue {
        let check = parts.checks[finding.checkID]
        return [
            "fingerprint": .text("\(finding.fingerprint)"), "check": .text(finding.checkID),
            "status": .text(Words.status(finding.status)), "isError": .flag(finding.outcome == .error),
            "container": .text(finding.container), "message": .text(finding.message), "path": .text(finding.path),
            "value": .text(finding.value), "masked": .flag(check?.sensitive == true && !finding.value.isEmpty),
            "first": Words.time(finding.firstSeen, now: call.now),
            "last": Words.time(finding.lastSeen, now: call.now),
            "resolvedAt": Words.time(finding.resolvedAt, now: call.now),
            "reopened": finding.reopened > 0 ? .text(Words.plural(finding.reopened, "time")) : .none,
            "exemption": .text(finding.exemptionID), "exemptionReason": .text(exemption?.reason ?? ""),
            "exemptionOwner": .text(exemption?.owner ?? ""),
            "canClaim": .flag(finding.status == .new), "canRelease": .flag(finding.status == .inProgress),
            "canExempt": .flag(isOpen(finding) && finding.outcome != .error),
            "subject": [
                "cluster": .text(finding.subject.cluster), "kind": .text(finding.subject.kind),
                "namespace": .text(finding.subject.namespace), "name": .text(finding.subject.name),
            ],
        ]
    }

    /// A diff's lines with what they are.
    private static func lines(_ patch: String) -> [PageValue] {
        patch.split(separator: "\n", maxSplits: 2000, omittingEmptySubsequences: false).map { line in
            [
                "line": .text(String(line)), "add": .flag(line.hasPrefix("+")), "cut": .flag(line.hasPrefix("-")),
                "place": .flag(line.hasPrefix("@@")),
            ]
        }
    }
}
