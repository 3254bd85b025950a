// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// Parameters that several lists take.
enum APIParameters {
    static let paging = [
        Operation.Parameter(name: "page", meaning: "The page, from 1.", schema: Schemas.number),
        Operation.Parameter(name: "limit", meaning: "Items on a page, 1 to 200.", schema: Schemas.number),
    ]
    static let filters = [
        Operation.Parameter(name: "cluster", meaning: "A cluster's name.", schema: Schemas.text),
        Operation.Parameter(
            name: "namespace", meaning: "A namespace; may be repeated. `-` is for objects outside of namespaces.",
            schema: Schemas.text),
        Operation.Parameter(name: "kind", meaning: "A kind; may be repeated.", schema: Schemas.text),
        Operation.Parameter(
            name: "name", meaning: "An object's name, where * stands for any run of characters.",
            schema: Schemas.text),
        Operation.Parameter(name: "severity", meaning: "A severity; may be repeated.", schema: Schemas.severity),
        Operation.Parameter(
            name: "check", meaning: "A check's id, slug or alias; may be repeated.", schema: Schemas.text),
        Operation.Parameter(
            name: "outcome", meaning: "fail, warn or error; may be repeated.",
            schema: Schemas.choice(["fail", "warn", "error"])),
        Operation.Parameter(
            name: "state", meaning: "open (the standard), all, or a status; may be repeated.",
            schema: Schemas.choice(["open", "all"] + Finding.Status.allCases.map(\.rawValue))),
        Operation.Parameter(name: "text", meaning: "Part of any text of the finding.", schema: Schemas.text),
    ]
}

enum FindingsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/findings", .viewer,
            Operation(
                id: "listFindings", summary: "Findings that match, worst first", tag: "Findings",
                query: APIParameters.filters + [
                    .init(
                        name: "sort", meaning: "The order.",
                        schema: Schemas.choice(FindingSort.allCases.map(\.rawValue)))
                ] + APIParameters.paging, answer: "FindingPage")
        ) { call, parts in
            let query = try FindingsQuery(call.query)
            let page = try await parts.store.ledger.findings(
                query.filter, sort: query.sort, limit: query.pageSize, offset: (query.page - 1) * query.pageSize)
            return Reply.json(
                .page(
                    page.findings.map { .finding($0, parts.checks) }, total: page.total, page: query.page,
                    limit: query.pageSize))
        },
        Route(
            .get, "/api/v1/findings/{fingerprint}", .viewer,
            Operation(id: "getFinding", summary: "One finding", tag: "Findings", answer: "Finding")
        ) { call, parts in
            guard let finding = try await parts.store.ledger.finding(try FindingsPage.fingerprint(call)) else {
                throw ConsoleError(.notFound, "There is no such finding.")
            }
            return Reply.json(.finding(finding, parts.checks))
        },
        Route(
            .patch, "/api/v1/findings/{fingerprint}", .administrator,
            Operation(
                id: "changeFinding", summary: "Say that a finding is being worked on, or take that back",
                tag: "Findings", body: "FindingChange", answer: "Finding")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["status"])
            guard let status = Finding.Status(rawValue: try body.requiredText("status")) else {
                throw ConsoleError(.invalid, "status is new or inProgress.")
            }
            let fingerprint = try FindingsPage.fingerprint(call)
            let finding = try await parts.store.ledger.setStatus(fingerprint, status, by: try call.person.label)
            return Reply.json(.finding(finding, parts.checks))
        },
    ]
}

enum WorkloadsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/workloads", .viewer,
            Operation(
                id: "listWorkloads", summary: "Objects with findings that match, the heaviest first",
                tag: "Workloads", query: APIParameters.filters + APIParameters.paging, answer: "WorkloadPage")
        ) { call, parts in
            let query = try FindingsQuery(call.query)
            let list = try await parts.store.ledger.workloads(
                query.filter, limit: query.pageSize, offset: (query.page - 1) * query.pageSize)
            return Reply.json(
                .page(
                    list.workloads.map { .workload($0) }, total: list.total, page: query.page, limit: query.pageSize))
        },
        Route(
            .get, "/api/v1/workload", .viewer,
            Operation(
                id: "getWorkload", summary: "Everything known about one object", tag: "Workloads",
                query: [
                    .init(name: "kind", meaning: "Its kind.", schema: Schemas.text, isRequired: true),
                    .init(name: "name", meaning: "Its name.", schema: Schemas.text, isRequired: true),
                    .init(name: "namespace", meaning: "Empty outside of namespaces.", schema: Schemas.text),
                    .init(name: "apiVersion", meaning: "Only its group counts; empty for any.", schema: Schemas.text),
                    .init(name: "cluster", meaning: "Empty for files.", schema: Schemas.text),
                ], answer: "WorkloadDetail")
        ) { call, parts in
            let subject = try Subject(call.query)
            guard let known = try await WorkloadFindings.read(subject, parts) else {
                throw ConsoleError(.notFound, "Nothing is known about \(subject.display).")
            }
            return Reply.json([
                "subject": .subject(known.subject),
                "findings": .array(known.findings.map { .finding($0, parts.checks) }),
                "suggestedPatch": .optional(await parts.control.suggestedPatch(for: known.subject)),
                "images": .array(known.containers.map { .container($0) }),
            ])
        },
    ]
}
