// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// One image: what is wrong with it, what mends most, who runs it, and what is in it.
enum ImagePage {
    private static let shownProblems = 50

    static let routes = [
        Route(.get, "/images/{digest}", .viewer) { call, parts in try await summary(call, parts) },
        Route(.get, "/images/{digest}/vulnerabilities", .viewer) { call, parts in
            try await vulnerabilities(call, parts)
        },
        Route(.get, "/images/{digest}/packages", .viewer) { call, parts in try await packages(call, parts) },
        Route(.get, "/images/{digest}/layers", .viewer) { call, parts in try await layers(call, parts) },
        Route(.get, "/images/{digest}/bill/{format}", .viewer) { call, parts in try await bill(call, parts) },
        Route(.post, "/images/{digest}/scan", .administrator) { call, parts in
            let image = try await detail(call, parts).summary
            let began = try await ImagesPage.control(parts).rescan(image.digest, by: try call.person.label)
            if began { parts.log("Asked for a scan of an image", call, ["image": "\(image.digest)"]) }
            return Reply.redirect("\(ImagesPage.link(image.digest))?done=\(began ? "rescan" : "rescanWaits")")
        },
    ]

    static func detail(_ call: Call, _ parts: ConsoleParts) async throws -> ImageDetail {
        let digest = try call.parameter("digest")
        guard let image = try await ImagesPage.control(parts).image(digest) else {
            throw ConsoleError(.notFound, "No image \(Words.short(digest)) runs here, or has for a while.")
        }
        return image
    }

    /// A bill of materials, and what its file is called.
    static func bill(_ digest: String, _ format: BillFormat, _ parts: ConsoleParts) async throws -> [UInt8] {
        guard let bill = try await ImagesPage.control(parts).bill(digest, format) else {
            throw ConsoleError(.conflict, "The image was not scanned yet, so nobody knows what is in it.")
        }
        return bill
    }

    private static func bill(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        guard let format = BillFormat(rawValue: try call.parameter("format")) else {
            throw ConsoleError(.notFound, "A bill of materials is written as cyclonedx or spdx.")
        }
        let image = try await detail(call, parts).summary
        let type =
            switch format {
            case .cyclonedx: "application/vnd.cyclonedx+json"
            case .spdx: "application/spdx+json"
            }
        var response = Reply.bytes(try await bill(image.digest, format, parts), type: type, status: .ok)
        let name = fileName(image.references.first ?? image.digest)
        response.headers[SecurityHeaders.name("Content-Disposition")] =
            "attachment; filename=\"\(name).\(format == .cyclonedx ? "cdx" : "spdx").json\""
        return response
    }

    /// `shop-cart-1.2` of `registry.example.com/shop/cart:1.2`: nothing that a header or a shell would read otherwise.
    static func fileName(_ reference: String) -> String {
        let safe = Words.image(reference).name.utf8.prefix(100).map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "_"): byte
            default: UInt8(ascii: "-")
            }
        }
        let name = String(decoding: safe, as: UTF8.self)
        return name.contains { $0 != "-" && $0 != "." } ? name : "image"
    }

    /// The page's template inside the frame that all views of an image have: its names, its state, its tabs.
    private static func page(
        _ template: String, _ view: String, _ image: ImageDetail, _ call: Call, _ parts: ConsoleParts,
        _ model: [String: PageValue]
    ) -> Response {
        let link = ImagesPage.link(image.summary.digest)
        let isScanned = image.summary.scanned != nil
        let tabs: [(view: String, title: String, count: Int?)] = [
            ("", "Summary", nil), ("vulnerabilities", "Vulnerabilities", image.vulnerabilities.count),
            ("packages", "Packages", image.packages.count), ("layers", "Layers", image.layers.count),
        ]
        var all = model
        all["image"] = ImagesPage.row(image.summary, now: call.now)
        all["isScanned"] = .flag(isScanned)
        all["waits"] = .flag(image.summary.state == .waiting || image.summary.state == .scanning)
        all["cyclonedx"] = .text("\(link)/bill/cyclonedx")
        all["spdx"] = .text("\(link)/bill/spdx")
        all["scan"] = .text("\(link)/scan")
        all["tabs"] = .list(
            tabs.map { tab in
                [
                    "path": .text(tab.view.isEmpty ? link : "\(link)/\(tab.view)"), "tab": .text(tab.title),
                    "size": isScanned ? tab.count.map { .text(Words.grouped($0)) } ?? .none : .none,
                    "here": .flag(tab.view == view),
                ]
            })
        let name = Words.image(image.summary.references.first ?? image.summary.digest).name
        return parts.pages.page(template, title: name, call, parts, all)
    }

    private static func summary(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let image = try await detail(call, parts)
        let counts = image.summary.counts
        let upgrades = ImageUpgrade.of(image.vulnerabilities)
        let excepted = image.vulnerabilities.count { !$0.exception.isEmpty }
        let facts: [(String, String)] = [
            ("Distribution", image.distribution), ("Platform", image.platform), ("Built", image.created),
            ("Size", image.summary.size > 0 ? Words.size(image.summary.size) : ""),
            ("Packages", image.summary.packages > 0 ? Words.grouped(image.summary.packages) : ""),
        ]
        return page(
            "image", "", image, call, parts,
            [
                "facts": .list(facts.filter { !$0.1.isEmpty }.map { ["field": .text($0.0), "value": .text($0.1)] }),
                "names": .list(image.summary.references.map { ["reference": .text($0)] }),
                "firstSeen": Words.time(image.summary.firstSeen, now: call.now),
                "severities": bars(counts), "anyVulnerable": .flag(!counts.vulnerabilities.isEmpty),
                "excepted": excepted > 0
                    ? .text(
                        excepted == 1
                            ? "One more is excepted and does not count."
                            : "\(Words.grouped(excepted)) more are excepted and do not count.") : .none,
                "exploited": exploited(image.vulnerabilities),
                "anyUpgrades": .flag(!upgrades.isEmpty),
                "upgrades": .list(upgrades.prefix(8).map(\.value)),
                "moreUpgrades": upgrades.count > 8 ? .text(Words.plural(upgrades.count - 8, "package")) : .none,
                "files": .list(files(image)), "anyProblems": .flag(!image.problems.isEmpty),
                "problems": .list(image.problems.prefix(shownProblems).map { ["line": .text($0)] }),
                "moreProblems": image.problems.count > shownProblems
                    ? .text(Words.grouped(image.problems.count - shownProblems)) : .none,
                "users": .list(image.users.map(user)), "anyUsers": .flag(!image.users.isEmpty),
                "list": .text("\(ImagesPage.link(image.summary.digest))/vulnerabilities"),
            ])
    }

    /// Vulnerabilities that are attacked already, by name: they come before all others.
    private static func exploited(_ all: [ImageDetail.Vulnerability]) -> PageValue {
        var seen: Set<String> = []
        let found = all.filter { $0.isKnownExploited && $0.exception.isEmpty && seen.insert($0.id).inserted }
        return .list(
            found.prefix(10).map { ["id": .text($0.id), "link": .text(VulnerabilitiesPage.link($0.id))] })
    }

    private static func bars(_ counts: ImageCounts) -> PageValue {
        let most = max(counts.vulnerabilities.values.max() ?? 0, 1)
        let shown = Severity.allCases.reversed().filter {
            $0 > .informational || (counts.vulnerabilities[$0] ?? 0) > 0
        }
        return .list(
            shown.map { severity in
                let (count, fixable) = (counts.vulnerabilities[severity] ?? 0, counts.fixable[severity] ?? 0)
                return [
                    "severity": Words.severity(severity), "count": .text(Words.grouped(count)),
                    "bar": .markup(ShareBar.draw([(severity, count)], of: most)),
                    "fixable": .text(fixable > 0 ? "\(Words.grouped(fixable)) to mend" : ""),
                ]
            })
    }

    private static func files(_ image: ImageDetail) -> [PageValue] {
        let groups = [
            ("malware", "Malicious files", image.malware), ("secrets", "Credentials", image.secrets),
            ("misconfigurations", "Misconfigurations", image.misconfigurations),
        ]
        return groups.filter { !$0.2.isEmpty }.map { id, title, files in
            [
                "id": .text(id), "heading": .text(title), "many": .text(Words.grouped(files.count)),
                "masked": .flag(id == "secrets"),
                "rows": .list(
                    files.prefix(500).map { file in
                        [
                            "severity": Words.severity(file.severity), "rule": .text(file.rule),
                            "what": .text(file.title.isEmpty ? file.rule : file.title), "path": .text(file.path),
                            "message": .text(file.message == file.title ? "" : file.message),
                            "remedy": .text(file.remedy),
                        ]
                    }),
            ]
        }
    }

    static func user(_ user: ImageUser) -> PageValue {
        [
            "kind": .text(user.subject.kind), "namespace": .text(user.subject.namespace),
            "name": .text(user.subject.name), "link": .text("/workload?\(user.subject.query)"),
            "container": .text(user.container), "reference": .text(user.reference),
            "pods": .text(Words.plural(user.pods, "pod")),
        ]
    }

    private static func vulnerabilities(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let image = try await detail(call, parts)
        let query = try VulnerabilityQuery(call.query)
        let (number, size) = try FindingsQuery.paging(call.query)
        let found = image.vulnerabilities.filter(query.takes)
        return page(
            "image-vulnerabilities", "vulnerabilities", image, call, parts,
            [
                "filters": VulnerabilitiesPage.filters(call.query),
                "total": .text(Words.plural(found.count, "vulnerability", "vulnerabilities")),
                "any": .flag(!found.isEmpty), "none": .flag(image.vulnerabilities.isEmpty),
                "rows": .list(found.page(number, size: size).map(row)),
                "pager": FindingsPage.pager(call, page: number, size: size, total: found.count),
            ])
    }

    private static func row(_ found: ImageDetail.Vulnerability) -> PageValue {
        [
            "severity": Words.severity(found.severity), "id": .text(found.id),
            "link": .text(VulnerabilitiesPage.link(found.id)), "title": .text(found.title),
            "source": .text(found.severitySource), "score": .text(found.score.map(Words.decimal) ?? ""),
            "package": .text(found.package), "version": .text(found.version), "path": .text(Words.place(found.path)),
            "fixed": .text(found.fixedVersion), "without": .text(Words.withoutFix(found.status)),
            "probability": .text(Words.percent(found.exploitProbability)),
            "exploited": .flag(found.isKnownExploited), "exception": .text(found.exception),
        ]
    }

    private static func packages(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let image = try await detail(call, parts)
        let (number, size) = try FindingsQuery.paging(call.query)
        let text = call.query["text"] ?? ""
        let found = image.packages.filter { $0.holds(text) }
        return page(
            "image-packages", "packages", image, call, parts,
            [
                "text": .text(text), "total": .text(Words.plural(found.count, "package")),
                "any": .flag(!found.isEmpty), "none": .flag(image.packages.isEmpty),
                "rows": .list(
                    found.page(number, size: size).map { package in
                        [
                            "name": .text(package.name), "version": .text(package.version),
                            "kind": .text(package.kind), "path": .text(package.path),
                            "layer": package.layer.map { .number($0 &+ 1) } ?? .none,
                        ]
                    }),
                "pager": FindingsPage.pager(call, page: number, size: size, total: found.count),
            ])
    }

    private static func layers(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let image = try await detail(call, parts)
        let most = max(image.layers.map(\.size).max() ?? 0, 1)
        return page(
            "image-layers", "layers", image, call, parts,
            [
                "any": .flag(!image.layers.isEmpty),
                "rows": .list(
                    image.layers.prefix(500).enumerated().map { index, layer in
                        let share = Int(Double(max(0, layer.size)) / Double(most) * 100)
                        return [
                            "index": .number(index + 1), "digest": .text(Words.short(layer.digest)),
                            "whole": .text(layer.digest), "command": .text(command(layer.createdBy)),
                            "size": .text(Words.size(layer.size)),
                            "bar": .markup(ShareBar.draw([(.informational, share)], of: 100)),
                            "packages": layer.packages > 0 ? .text(Words.grouped(layer.packages)) : .none,
                        ]
                    }),
            ])
    }

    /// A build step as it was written, without what the builder put before it.
    private static func command(_ text: String) -> String {
        var rest = text[...]
        for prefix in ["/bin/sh -c #(nop) ", "/bin/sh -c "] where rest.hasPrefix(prefix) {
            rest = rest.dropFirst(prefix.count)
            return (prefix.hasSuffix("-c ") ? "RUN " : "") + rest.drop { $0 == " " }
        }
        return text
    }
}
