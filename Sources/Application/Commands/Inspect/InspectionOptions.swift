// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import PodSecurity

/// What to judge, and how: shared by files and clusters.
struct InspectionOptions: ParsableArguments {
    @Option(name: .long, help: "Only this check: an id, a slug or another tool's id. Repeatable.")
    var check: [String] = []

    @Option(name: .long, help: "Not this check. Repeatable.")
    var skipCheck: [String] = []

    @Option(name: .shortAndLong, help: "Only objects of this namespace. Repeatable.")
    var namespace: [String] = []

    @Option(name: .long, help: "Only objects of this kind, e.g. Deployment. Repeatable.")
    var kind: [String] = []

    @Option(name: .long, help: "Only checks of this severity or worse: informational, low, medium, high, critical.")
    var severity: SeverityArgument?

    @Option(name: .long, help: "Exit with 1 when a failure has this severity or worse.")
    var failOn: SeverityArgument?

    @Option(name: .long, help: "A YAML file of approved exceptions.")
    var exemptions: String?

    @Option(name: .long, help: "A tag that moves besides latest. Repeatable.")
    var floatingTag: [String] = []

    @Option(name: .long, help: "Images may only come from this registry or repository. Repeatable.")
    var allowRegistry: [String] = []

    @Flag(name: .long, help: "List passes too.")
    var all = false

    /// The checks that the options select.
    func catalogue() throws -> Catalogue {
        do {
            return try Catalogue.embedded().selecting(check, without: skipCheck, from: severity?.severity ?? .unknown)
        } catch let error as InspectionError where error.code == .unknownCheck {
            throw UserError(error.message)
        }
    }

    /// The kinds to judge, nil for all.
    func kinds() throws -> Set<ObjectKind>? {
        if kind.isEmpty { return nil }
        return Set(
            try kind.map { name in
                guard let found = ObjectKind.allCases.first(where: { $0.name.lowercased() == name.lowercased() }) else {
                    throw UserError("--kind \(name): inspection knows no such kind")
                }
                return found
            })
    }

    /// Whether an object is asked for.
    func selects(_ subject: Subject) -> Bool {
        namespace.isEmpty || namespace.contains(subject.namespace.isEmpty ? "default" : subject.namespace)
    }
}

/// A severity on the command line.
struct SeverityArgument: ExpressibleByArgument {
    let severity: Severity

    init?(argument: String) {
        guard let severity = Severity(name: argument), severity != .unknown else { return nil }
        self.severity = severity
    }

    static var allValueStrings: [String] { ["informational", "low", "medium", "high", "critical"] }
}
