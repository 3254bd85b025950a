// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store

/// The filter and the page that a query asks for: the same fields on the page of findings and in the API.
struct FindingsQuery: Sendable {
    static let pageSizes = 1...200
    static let standardPageSize = 50

    var filter = FindingFilter()
    var sort = FindingSort.severity
    /// From 1.
    var page = 1
    var pageSize = standardPageSize

    /// `state=open` (the standard) is new and in progress, `state=all` everything.
    init(_ fields: Fields, standardState: String = "open") throws {
        filter.cluster = fields["cluster"]
        filter.namespaces = Set(fields.all("namespace").map { $0 == Self.noNamespace ? "" : $0 })
        filter.kinds = Set(fields.all("kind"))
        filter.name = fields["name"] ?? ""
        filter.checks = Set(fields.all("check"))
        filter.text = fields["text"] ?? ""
        filter.severities = Set(try fields.all("severity").map(Self.severity))
        filter.outcomes = Set(
            try fields.all("outcome").map { text in
                guard let outcome = Outcome(rawValue: text), outcome.isProblem else {
                    throw ConsoleError(.invalid, "An outcome is fail, warn or error.")
                }
                return outcome
            })
        let states = fields.all("state")
        filter.statuses = try Self.statuses(states.isEmpty ? [standardState] : states)
        if let text = fields["sort"] {
            guard let sort = FindingSort(rawValue: text) else {
                throw ConsoleError(.invalid, "Sort by severity, newest, oldest or subject.")
            }
            self.sort = sort
        }
        (page, pageSize) = try Self.paging(fields)
    }

    /// What stands in an address for objects outside of namespaces.
    static let noNamespace = "-"

    static func paging(_ fields: Fields) throws -> (page: Int, size: Int) {
        let page = try number(fields["page"], "page", in: 1...1_000_000) ?? 1
        return (page, try number(fields["limit"], "limit", in: pageSizes) ?? standardPageSize)
    }

    static func number(_ text: String?, _ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw ConsoleError(.invalid, "\(name) is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    static func severity(_ text: String) throws -> Severity {
        guard let severity = Severity(name: text) else {
            throw ConsoleError(.invalid, "A severity is critical, high, medium, low, informational or unknown.")
        }
        return severity
    }

    private static func statuses(_ names: [String]) throws -> Set<Finding.Status> {
        var statuses: Set<Finding.Status> = []
        for name in names {
            switch name {
            case "open": statuses.formUnion(FindingFilter.open.statuses)
            case "all": statuses.formUnion(Finding.Status.allCases)
            default:
                guard let status = Finding.Status(rawValue: name) else {
                    throw ConsoleError(
                        .invalid, "A state is open, all, new, inProgress, suppressed or resolved.")
                }
                statuses.insert(status)
            }
        }
        return statuses
    }
}

extension Subject {
    /// The query that names it in an address.
    var query: String {
        var fields = Fields()
        if !cluster.isEmpty { fields.add("cluster", cluster) }
        if !apiVersion.isEmpty { fields.add("apiVersion", apiVersion) }
        fields.add("kind", kind)
        if !namespace.isEmpty { fields.add("namespace", namespace) }
        fields.add("name", name)
        return fields.encoded
    }

    /// From such a query.
    init(_ fields: Fields) throws {
        // Exactly as it was: a name from a file may have any characters.
        let (kind, name) = (fields.exact("kind"), fields.exact("name"))
        guard !kind.isEmpty else { throw ConsoleError(.invalid, "A workload is named by its kind and its name.") }
        self.init(
            cluster: fields.exact("cluster"), apiVersion: fields.exact("apiVersion"), kind: kind,
            namespace: fields.exact("namespace"), name: name)
    }
}
