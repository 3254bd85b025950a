// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego

/// What a mutator puts in place by asking a provider.
struct ExternalSource: Sendable {
    private enum DataSource: String, CaseIterable { case valueAtLocation = "ValueAtLocation", username = "Username" }
    private enum FailurePolicy: String, CaseIterable {
        case fail = "Fail", ignore = "Ignore", useDefault = "UseDefault"
    }

    let provider: String
    private let source: DataSource
    private let failurePolicy: FailurePolicy
    private let standard: String

    init(_ fields: ObjectFields) throws(GatekeeperError) {
        provider = try fields.required("provider")
        source = try fields.word("dataSource", DataSource.self) ?? .valueAtLocation
        failurePolicy = try fields.word("failurePolicy", FailurePolicy.self) ?? .fail
        standard = try fields.text("default")
        guard failurePolicy != .useDefault || !standard.isEmpty else {
            throw GatekeeperError(.invalid, "\(fields.at("default")) is missing for UseDefault")
        }
    }

    /// What stands there afterwards; nil leaves it absent.
    func value(for old: Value?, user: String, at path: String) throws(GatekeeperError) -> Value? {
        let key: String
        switch source {
        case .username: key = user
        case .valueAtLocation:
            guard let old else { return failurePolicy == .useDefault ? .string(standard) : nil }
            guard let text = old.text else {
                throw GatekeeperError(
                    .evaluation, "\(path) is \(old.kind.name), no text to ask provider \(provider) about")
            }
            key = text
        }
        guard let current = ExternalAnswers.current else {
            throw GatekeeperError(.evaluation, "provider \(provider) cannot be asked here")
        }
        guard let answer = current.answers(of: provider, to: [key])?.first else {
            throw GatekeeperError(.evaluation, "provider \(provider) has not answered yet")
        }
        switch (answer, failurePolicy) {
        case (.value(let node), _): return .node(node)
        case (.error, .ignore): return old
        case (.error, .useDefault): return .string(standard)
        case (.error(let reason), .fail): throw GatekeeperError(.evaluation, "provider \(provider): \(reason)")
        }
    }
}
