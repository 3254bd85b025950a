// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Logging
import Store

/// Everything that the handlers work with.
struct ConsoleParts: Sendable {
    let configuration: ConsoleConfiguration
    let store: Store
    let accounts: Accounts
    let sessions: Sessions
    let tokens: Tokens
    let guardian: LoginGuard
    let control: any InspectionControl
    /// Nil while admission is off.
    let policies: (any PolicyControl)?
    /// Nil while constraints are off.
    let constraints: (any ConstraintControl)?
    /// Nil while images are not scanned.
    let images: (any ImageControl)?
    let checks: CheckCatalogue
    let pages: PageRenderer
    let metrics: RequestMetrics
    let version: String
    let logger: Logger
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
}

/// The checks by name.
struct CheckCatalogue: Sendable {
    /// By id.
    let all: [Check]
    private let byID: [String: Check]

    init(_ checks: [Check]) {
        all = checks.sorted { $0.id < $1.id }
        byID = Dictionary(checks.map { ($0.id, $0) }) { first, _ in first }
    }

    subscript(id: String) -> Check? { byID[id] }

    /// By id, slug, or another tool's id.
    func find(_ name: String) -> Check? { byID[name] ?? all.first { $0.answers(to: name) } }
}

extension ConsoleParts {
    /// Writes down who changed what.
    func log(_ message: String, _ call: Call, _ facts: KeyValuePairs<String, String> = [:]) {
        var metadata: Logger.Metadata = [:]
        for (name, value) in facts { metadata[name] = .string(value) }
        metadata["by"] = .string(call.identity?.label ?? "nobody")
        metadata["address"] = .string(call.address)
        logger.notice("\(message)", metadata: metadata)
    }
}
