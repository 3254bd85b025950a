// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird

enum ImagesAPI {
    private static let tag = "Images"
    private static let severity = Operation.Parameter(
        name: "severity", meaning: "This severity or worse.", schema: Schemas.severity)
    private static let fixable = Operation.Parameter(
        name: "fixable", meaning: "Only with something that an upgrade mends.", schema: Schemas.flag)
    fileprivate static let vulnerabilityFilters = [
        Operation.Parameter(
            name: "text", meaning: "Part of the identifier, the title or a package's name.", schema: Schemas.text),
        severity, fixable,
        Operation.Parameter(
            name: "exploited", meaning: "Only what is known to be exploited.", schema: Schemas.flag),
    ]

    static let routes =
        reading + [
            Route(
                .post, "/api/v1/images/{digest}/scan", .administrator,
                Operation(
                    id: "scanImage", summary: "Put an image into the queue, in front of the others", tag: tag,
                    status: 202,
                    answer: "ImageScans")
            ) { call, parts in
                let control = try ImagesPage.control(parts)
                let digest = try await ImagePage.detail(call, parts).summary.digest
                guard try await control.rescan(digest, by: try call.person.label) else {
                    throw ConsoleError(.conflict, "The image waits for its scan already.")
                }
                parts.log("Asked for a scan of an image", call, ["image": "\(digest)"])
                return Reply.json(.scans(await control.state()), status: .accepted)
            }
        ]

    private static let reading = [
        Route(
            .get, "/api/v1/images", .viewer,
            Operation(
                id: "listImages", summary: "The images that run, worst first", tag: tag,
                query: [
                    .init(name: "text", meaning: "Part of a reference or of the digest.", schema: Schemas.text),
                    .init(name: "namespace", meaning: "A namespace that runs it.", schema: Schemas.text), severity,
                    fixable,
                    .init(name: "malware", meaning: "Only with malicious files.", schema: Schemas.flag),
                    .init(name: "past", meaning: "Also those that run no longer.", schema: Schemas.flag),
                    .init(
                        name: "sort", meaning: "The order.",
                        schema: Schemas.choice(ImageQuery.Sort.allCases.map(\.rawValue))),
                ] + APIParameters.paging, answer: "ImagePage")
        ) { call, parts in
            let query = try ImageQuery(call.query)
            let (page, size) = try FindingsQuery.paging(call.query)
            let found = try await ImagesPage.control(parts).images(query, limit: size, offset: (page - 1) * size)
            return Reply.json(
                .page(found.images.map { .image($0) }, total: found.total, page: page, limit: size))
        },
        Route(
            .get, "/api/v1/images/queue", .viewer,
            Operation(
                id: "getImageScans", summary: "How scans go: what runs, waits and failed, and by which advisories",
                tag: tag, answer: "ImageScans")
        ) { _, parts in Reply.json(.scans(await (try ImagesPage.control(parts)).state())) },
        Route(
            .get, "/api/v1/images/trend", .viewer,
            Operation(
                id: "getImageTrend", summary: "The vulnerabilities of what ran, day by day, oldest first", tag: tag,
                query: [.init(name: "days", meaning: "1 to 366; 30 without it.", schema: Schemas.number)],
                answer: "ImageTrend")
        ) { call, parts in
            let days = try FindingsQuery.number(call.query["days"], "days", in: 1...366) ?? ImagesPage.trendDays
            return Reply.json(.list(try await ImagesPage.control(parts).trend(days: days).map { .trend($0) }))
        },
        Route(
            .get, "/api/v1/images/{digest}", .viewer,
            Operation(
                id: "getImage", summary: "One image: layers, malicious files, secrets, who runs it", tag: tag,
                answer: "ImageDetail")
        ) { call, parts in Reply.json(.image(try await ImagePage.detail(call, parts))) },
        Route(
            .get, "/api/v1/images/{digest}/vulnerabilities", .viewer,
            Operation(
                id: "listImageVulnerabilities", summary: "The vulnerabilities of an image, worst first", tag: tag,
                query: vulnerabilityFilters + APIParameters.paging, answer: "ImageVulnerabilityPage")
        ) { call, parts in
            let query = try VulnerabilityQuery(call.query)
            let found = try await ImagePage.detail(call, parts).vulnerabilities.filter(query.takes)
            return try page(found, call) { .vulnerability($0) }
        },
        Route(
            .get, "/api/v1/images/{digest}/packages", .viewer,
            Operation(
                id: "listImagePackages", summary: "What is installed in an image", tag: tag,
                query: [
                    .init(name: "text", meaning: "Part of the name, the kind or the place.", schema: Schemas.text)
                ] + APIParameters.paging, answer: "ImagePackagePage")
        ) { call, parts in
            let text = call.query["text"] ?? ""
            let found = try await ImagePage.detail(call, parts).packages.filter { $0.holds(text) }
            return try page(found, call) { .package($0) }
        },
        Route(
            .get, "/api/v1/images/{digest}/bill", .viewer,
            Operation(
                id: "getImageBill", summary: "An image's bill of materials: CycloneDX 1.6 or SPDX 2.3", tag: tag,
                query: [
                    .init(
                        name: "format", meaning: "cyclonedx without it.",
                        schema: Schemas.choice(BillFormat.allCases.map(\.rawValue)))
                ], answer: "Document")
        ) { call, parts in
            guard let format = BillFormat(rawValue: call.query["format"] ?? BillFormat.cyclonedx.rawValue) else {
                throw ConsoleError(.invalid, "A bill of materials is written as cyclonedx or spdx.")
            }
            let digest = try await ImagePage.detail(call, parts).summary.digest
            return Reply.bytes(try await ImagePage.bill(digest, format, parts), type: "application/json", status: .ok)
        },
    ]

    private static func page<Item>(_ items: [Item], _ call: Call, _ encode: (Item) -> JSONValue) throws -> Response {
        let (page, size) = try FindingsQuery.paging(call.query)
        return Reply.json(
            .page(items.page(page, size: size).map(encode), total: items.count, page: page, limit: size))
    }
}

enum VulnerabilitiesAPI {
    private static let tag = "Vulnerabilities"

    static let routes = [
        Route(
            .get, "/api/v1/vulnerabilities", .viewer,
            Operation(
                id: "listVulnerabilities", summary: "The vulnerabilities of images that run, worst first", tag: tag,
                query: ImagesAPI.vulnerabilityFilters + APIParameters.paging, answer: "VulnerabilityPage")
        ) { call, parts in
            let query = try VulnerabilityQuery(call.query)
            let (page, size) = try FindingsQuery.paging(call.query)
            let found = try await ImagesPage.control(parts)
                .vulnerabilities(query, limit: size, offset: (page - 1) * size)
            return Reply.json(
                .page(found.vulnerabilities.map { .vulnerability($0) }, total: found.total, page: page, limit: size))
        },
        Route(
            .get, "/api/v1/vulnerabilities/{id}", .viewer,
            Operation(
                id: "getVulnerability", summary: "One vulnerability, and the images and workloads that have it",
                tag: tag, answer: "VulnerabilityDetail")
        ) { call, parts in Reply.json(.vulnerability(try await VulnerabilitiesPage.detail(call, parts))) },
    ]
}
