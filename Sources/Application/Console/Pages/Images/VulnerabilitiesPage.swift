// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Reporting

/// The vulnerabilities of images that run, and where to mend one of them first.
enum VulnerabilitiesPage {
    static let routes = [
        Route(.get, "/vulnerabilities", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/vulnerabilities/{id}", .viewer) { call, parts in try await one(call, parts) },
    ]

    static func link(_ id: String) -> String { "/vulnerabilities/\(Fields.encode(id))" }

    static func detail(_ call: Call, _ parts: ConsoleParts) async throws -> VulnerabilityDetail {
        let id = try call.parameter("id")
        guard let found = try await ImagesPage.control(parts).vulnerability(id) else {
            throw ConsoleError(.notFound, "No image that is known here has \(id.prefix(100)).")
        }
        return found
    }

    static func filters(_ query: Fields) -> PageValue {
        [
            "text": .text(query["text"] ?? ""), "severities": ImagesPage.severities(query["severity"]),
            "fixable": .flag(query["fixable"] == "true"), "exploited": .flag(query["exploited"] == "true"),
            "filtered": .flag(query.pairs.contains { !["page", "limit", "done"].contains($0.name) }),
        ]
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        guard let control = parts.images else {
            return parts.pages.page("images-off", title: "Vulnerabilities", call, parts, [:])
        }
        let query = try VulnerabilityQuery(call.query)
        let (page, size) = try FindingsQuery.paging(call.query)
        let found = try await control.vulnerabilities(query, limit: size, offset: (page - 1) * size)
        let state = await control.state()
        return parts.pages.page(
            "vulnerabilities", title: "Vulnerabilities", call, parts,
            [
                "total": .text(Words.plural(found.total, "vulnerability", "vulnerabilities")),
                "scanned": .text(Words.plural(state.scanned, "image")),
                "partly": state.scanned < state.images
                    ? .text(Words.plural(state.images - state.scanned, "image")) : .none,
                "advisories": ImagesPage.advisories(state, now: call.now),
                "filters": filters(call.query), "any": .flag(!found.vulnerabilities.isEmpty),
                "rows": .list(found.vulnerabilities.map(row)),
                "pager": FindingsPage.pager(call, page: page, size: size, total: found.total),
            ])
    }

    private static func row(_ found: VulnerabilitySummary) -> PageValue {
        [
            "severity": Words.severity(found.severity), "id": .text(found.id), "link": .text(link(found.id)),
            "title": .text(found.title), "score": .text(found.score.map(Words.decimal) ?? ""),
            "probability": .text(Words.percent(found.exploitProbability)), "exploited": .flag(found.isKnownExploited),
            "packages": .text(found.packages.joined(separator: ", ")), "fixable": .flag(found.isFixable),
            "images": .text(Words.plural(found.images, "image")),
            "workloads": .text(Words.plural(found.workloads, "workload")),
        ]
    }

    private static func one(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let found = try await detail(call, parts)
        // A pod may have it in several packages and containers.
        var pods: [Subject: Int] = [:]
        for user in found.places.lazy.flatMap(\.users) { pods[user.subject] = max(pods[user.subject] ?? 0, user.pods) }
        let running = pods.values.reduce(0, +)
        let fixable = found.places.count { !$0.fixedVersion.isEmpty }
        return parts.pages.page(
            "vulnerability", title: found.summary.id, call, parts,
            [
                "about": row(found.summary), "vector": .text(found.vector),
                "aliases": .text(found.aliases.joined(separator: ", ")),
                "published": found.published > 0 ? Words.time(found.published, now: call.now) : .none,
                "paragraphs": .list(paragraphs(found.details)),
                "references": .list(
                    found.references.prefix(100).map { ["address": Words.address($0), "text": .text($0)] }),
                "anyReferences": .flag(!found.references.isEmpty),
                "pods": .text(Words.plural(running, "pod")), "anyPlaces": .flag(!found.places.isEmpty),
                "fixable": .text(
                    fixable == found.places.count && fixable > 0
                        ? "An upgrade mends it everywhere."
                        : fixable > 0
                            ? "An upgrade mends it in \(fixable) of \(Words.plural(found.places.count, "place"))."
                            : "No upgrade mends it yet."),
                "places": .list(found.places.prefix(200).enumerated().map { place($1, rank: $0 + 1) }),
                "more": found.places.count > 200 ? .text(Words.grouped(found.places.count - 200)) : .none,
            ])
    }

    /// Advisories are written in Markdown: its paragraphs are kept, nothing else is made of it.
    private static func paragraphs(_ text: String) -> [PageValue] {
        text.replacing("\r\n", with: "\n").split(separator: "\n\n", maxSplits: 100)
            .map { ["paragraph": .text(Fields.trim(String($0)))] }
    }

    private static func place(_ place: VulnerabilityDetail.Place, rank: Int) -> PageValue {
        let (name, registry) = Words.image(place.reference.isEmpty ? place.digest : place.reference)
        let users = place.users.prefix(8)
        return [
            "rank": .number(rank), "name": .text(name), "registry": .text(registry),
            "link": .text(ImagesPage.link(place.digest)), "package": .text(place.package),
            "version": .text(place.version), "fixed": .text(place.fixedVersion), "path": .text(Words.place(place.path)),
            "pods": .text(Words.plural(place.users.reduce(0) { $0 + $1.pods }, "pod")),
            "users": .list(users.map(ImagePage.user)), "idle": .flag(place.users.isEmpty),
            "moreUsers": place.users.count > users.count
                ? .text(Words.plural(place.users.count - users.count, "more workload")) : .none,
        ]
    }
}
