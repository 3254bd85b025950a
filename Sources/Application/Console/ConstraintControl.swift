// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the console asks of whatever judges by constraints. Everything comes from memory; the violations themselves are
/// findings of the ledger, whose check is the constraint's.
package protocol ConstraintControl: Sendable {
    func state() async -> ConstraintState
    /// By kind and name.
    func constraints() async -> [ConstraintDetail]
    /// By name.
    func templates() async -> [TemplateDetail]
}

package struct ConstraintState: Sendable, Equatable {
    /// Nil when it judges; else what it waits for.
    package var waitsFor: String?
    /// What becomes of requests that cannot be judged: `Fail` or `Ignore`.
    package var failurePolicy: String
    /// The end of the last whole audit, in seconds since 1970; nil before the first.
    package var auditTime: Int64?
    package var auditMilliseconds: Int
    package var auditObjects: Int
    /// Kinds whose objects are in no audit, and why.
    package var missing: [String]
    /// `Assign/pull-always`
    package var mutators: [String]

    package init(
        waitsFor: String? = nil, failurePolicy: String = "Ignore", auditTime: Int64? = nil, auditMilliseconds: Int = 0,
        auditObjects: Int = 0, missing: [String] = [], mutators: [String] = []
    ) {
        self.waitsFor = waitsFor
        self.failurePolicy = failurePolicy
        self.auditTime = auditTime
        self.auditMilliseconds = auditMilliseconds
        self.auditObjects = auditObjects
        self.missing = missing
        self.mutators = mutators
    }
}

package struct ConstraintDetail: Sendable, Equatable {
    /// `K8sRequiredLabels`
    package var kind: String
    package var name: String
    /// `deny`, `warn`, `dryrun` or `scoped`; empty when it cannot be read.
    package var action: String
    /// Its match block and its parameters as JSON text; empty where it has none.
    package var match: String
    package var parameters: String
    /// Why it is not in force; empty when it is.
    package var problem: String

    package init(
        kind: String, name: String, action: String, match: String = "", parameters: String = "", problem: String = ""
    ) {
        self.kind = kind
        self.name = name
        self.action = action
        self.match = match
        self.parameters = parameters
        self.problem = problem
    }

    /// The check of its findings.
    package var check: String { "\(kind)/\(name)" }
}

package struct TemplateDetail: Sendable, Equatable {
    package var name: String
    /// The kind of its constraints; empty when it cannot be read.
    package var kind: String
    /// `Rego` or `CEL`.
    package var engine: String
    package var problem: String

    package init(name: String, kind: String, engine: String, problem: String = "") {
        self.name = name
        self.kind = kind
        self.engine = engine
        self.problem = problem
    }
}
