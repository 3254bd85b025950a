// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// The images that run in the cluster, how their scans go, and how their vulnerabilities changed.
enum ImagesPage {
    static let trendDays = 30
    private static let shownFailures = 20
    /// Advisories older than this are spoken of: a week of vulnerabilities is missing.
    private static let staleSeconds: Int64 = 7 * 86_400

    static let routes = [
        Route(.get, "/images", .viewer) { call, parts in try await list(call, parts) }
    ]

    static func control(_ parts: ConsoleParts) throws -> any ImageControl {
        guard let control = parts.images else {
            throw ConsoleError(.unavailable, "Images are not scanned: start the server with --images.")
        }
        return control
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        guard let control = parts.images else {
            return parts.pages.page("images-off", title: "Images", call, parts, [:])
        }
        let query = try ImageQuery(call.query)
        let (page, size) = try FindingsQuery.paging(call.query)
        let (state, found) = (
            await control.state(), try await control.images(query, limit: size, offset: (page - 1) * size)
        )
        let trend = try await control.trend(days: trendDays)
        let namespaces = try await parts.store.ledger.counts(.open).byNamespace.keys.sorted()
        return parts.pages.page(
            "images", title: "Images", call, parts,
            [
                "running": .text(Words.plural(state.images, "image")), "scanned": .text(Words.grouped(state.scanned)),
                "queue": queue(state, now: call.now), "advisories": advisories(state, now: call.now),
                "trend": trend.count > 1 ? .markup(ImageTrendChart.draw(trend)) : .none,
                "now": trend.last.map(figures) ?? .none,
                "images": .list(found.images.map { row($0, now: call.now) }),
                "any": .flag(!found.images.isEmpty), "never": .flag(state.images == 0 && query == ImageQuery()),
                "total": .text(Words.plural(found.total, "image")), "filters": filters(call.query, namespaces),
                "filtered": .flag(call.query.pairs.contains { !["page", "limit", "done"].contains($0.name) }),
                "pager": FindingsPage.pager(call, page: page, size: size, total: found.total),
            ])
    }

    private static func filters(_ query: Fields, _ namespaces: [String]) -> PageValue {
        let sorts: [(value: String, title: String)] = [
            ("worst", "worst first"), ("fixable", "most to mend first"), ("name", "name"),
            ("scanned", "scanned last"),
        ]
        return [
            "text": .text(query["text"] ?? ""), "namespace": .text(query["namespace"] ?? ""),
            "namespaces": .list(namespaces.filter { !$0.isEmpty }.map { ["namespace": .text($0)] }),
            "severities": severities(query["severity"]),
            "sorts": Words.options(sorts, chosen: query["sort"] ?? "worst"),
            "fixable": .flag(query["fixable"] == "true"), "malware": .flag(query["malware"] == "true"),
            "past": .flag(query["past"] == "true"),
        ]
    }

    /// The choices of `this or worse`.
    static func severities(_ chosen: String?) -> PageValue {
        let choices = Severity.allCases.reversed().filter { $0 > .informational }.map { severity in
            (
                value: severity.description,
                title: severity == .critical ? "\(severity)" : "\(severity) or worse"
            )
        }
        return Words.options(choices, chosen: chosen)
    }

    static func row(_ image: ImageSummary, now: Int64) -> PageValue {
        let reference = image.references.first ?? image.digest
        let (name, registry) = Words.image(reference)
        let (state, style) = Words.state(image.state)
        let isJudged = image.state == .complete || image.state == .incomplete
        return [
            "name": .text(name), "registry": .text(registry), "reference": .text(reference),
            "digest": .text(image.digest), "short": .text(Words.short(image.digest)), "link": .text(link(image.digest)),
            "others": image.references.count > 1
                ? .text(Words.plural(image.references.count - 1, "other name")) : .none,
            "state": .text(state), "style": .text(style), "stands": .flag(image.state == .complete),
            "message": .text(image.message), "found": found(image), "clean": .flag(isJudged && isClean(image.counts)),
            "unknown": .flag(image.scanned == nil && image.message.isEmpty),
            "runs": .flag(image.containers > 0), "workloads": .text(Words.plural(image.workloads, "workload")),
            "containers": .text(Words.plural(image.containers, "container")),
            "scanned": Words.time(image.scanned, now: now), "packages": .text(Words.plural(image.packages, "package")),
            "size": .text(Words.size(image.size)),
        ]
    }

    static func isClean(_ counts: ImageCounts) -> Bool { counts == ImageCounts() }

    /// What was found, in marks; also of an image that waits for its next scan.
    static func found(_ image: ImageSummary) -> PageValue {
        let counts = image.counts
        let all = counts.vulnerabilities.values.reduce(0, +)
        let fixable = counts.fixable.values.reduce(0, +)
        return [
            "counts": WorkloadPage.counts(telling(counts.vulnerabilities)),
            "fixable": fixable > 0 ? .text(share(fixable, of: all)) : .none,
            "malware": counts.malware > 0 ? .text("malware: \(Words.plural(counts.malware, "file"))") : .none,
            "secrets": counts.secrets > 0 ? .text(Words.plural(counts.secrets, "secret")) : .none,
            "misconfigurations": counts.misconfigurations > 0
                ? .text(Words.plural(counts.misconfigurations, "misconfiguration")) : .none,
            "errors": counts.errors > 0 ? .text("\(Words.grouped(counts.errors)) not judged") : .none,
        ]
    }

    /// Without those that are merely informational, where there are worse ones.
    private static func telling(_ counts: [Severity: Int]) -> [Severity: Int] {
        let others = counts.filter { $0.key != .informational && $0.value > 0 }
        return others.isEmpty ? counts : others
    }

    private static func share(_ fixable: Int, of all: Int) -> String {
        if fixable == all { return all == 1 ? "An upgrade mends it" : "Upgrades mend all \(Words.grouped(all))" }
        return "Upgrades mend \(Words.grouped(fixable)) of \(Words.grouped(all))"
    }

    static func link(_ digest: String) -> String { "/images/\(Fields.encode(digest))" }

    /// The vulnerabilities of what runs now.
    static func figures(_ point: ImageTrendPoint) -> PageValue {
        let order: [Severity] = [.critical, .high, .medium, .low]
        return [
            "severities": .list(
                order.map { severity in
                    [
                        "severity": Words.severity(severity),
                        "count": .text(Words.grouped(point.vulnerabilities[severity] ?? 0)),
                        "link": .text("/vulnerabilities?severity=\(severity)"),
                    ]
                }), "fixable": .text(Words.grouped(point.fixable)),
        ]
    }

    /// How scans go; the script of the page asks for it again while there is something to wait for.
    static func queue(_ state: ImageScanState, now: Int64) -> PageValue {
        let failures = state.failures.prefix(shownFailures)
        return [
            "busy": .flag(!state.running.isEmpty || state.waiting > 0),
            "waiting": state.waiting > 0 ? .text(Words.grouped(state.waiting)) : .none,
            "anyRunning": .flag(!state.running.isEmpty),
            "jobs": .list(
                state.running.map { job in
                    let done = min(max(0, job.layersDone), max(0, job.layers))
                    return [
                        "job": .text(Words.image(job.reference).name), "link": .text(link(job.digest)),
                        "layers": job.layers > 0 ? .number(job.layers) : .none, "done": .number(done),
                        "words": .text(
                            job.layers > 0
                                ? "layer \(min(done + 1, job.layers)) of \(job.layers)" : "reading its manifest"),
                        "began": .text(Words.duration(max(0, now - job.started))),
                    ]
                }),
            "failed": state.failures.isEmpty ? .none : .text(Words.plural(state.failures.count, "image")),
            "moreFailures": state.failures.count > failures.count
                ? .text(Words.grouped(state.failures.count - failures.count)) : .none,
            "failures": .list(
                failures.map { failure in
                    [
                        "name": .text(Words.image(failure.reference).name), "link": .text(link(failure.digest)),
                        "message": .text(failure.message), "attempts": .text(Words.plural(failure.attempts, "attempt")),
                        "due": .flag(failure.next.map { $0 <= now } ?? false),
                        "next": Words.time(failure.next, now: now),
                    ]
                }),
        ]
    }

    /// By what is judged, and what to do when that is nothing or old.
    static func advisories(_ state: ImageScanState, now: Int64) -> PageValue {
        let isStale = state.advisoriesUpdated.map { now - $0 > staleSeconds } ?? false
        return [
            "problem": .text(state.problem), "none": .flag(state.advisoriesUpdated == nil && state.problem.isEmpty),
            "updated": Words.time(state.advisoriesUpdated, now: now), "stale": .flag(isStale),
            "records": .text(Words.plural(state.advisoryRecords, "advisory", "advisories")),
        ]
    }
}
