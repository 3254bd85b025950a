// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One run over one scope, with its summary. Times are seconds since 1970.
package struct Report: Sendable {
    package enum State: String, Sendable {
        /// Still filling: never shown as whole, discarded at the next start.
        case running
        case complete
        /// Ended early; `message` says why.
        case failed
    }

    package enum Trigger: String, Sendable {
        case schedule
        case demand
        case start
    }

    package var id: Int64
    package var cluster: String
    package var trigger: Trigger
    package var state: State
    package var started: Int64
    package var finished: Int64?
    package var summary: Summary
    package var message: String

    package init(
        id: Int64, cluster: String, trigger: Trigger, state: State, started: Int64, finished: Int64? = nil,
        summary: Summary = Summary(), message: String = ""
    ) {
        self.id = id
        self.cluster = cluster
        self.trigger = trigger
        self.state = state
        self.started = started
        self.finished = finished
        self.summary = summary
        self.message = message
    }
}

/// Where a capability hands its results; the server's is the store. An append is acknowledged when it is durable.
package protocol InspectionRecorder: Sendable {
    /// Opens a report, which stays `running` until it is finished.
    func beginReport(cluster: String, trigger: Report.Trigger) async throws -> Int64
    /// What one object shows now: every problem of it (and failures that an exemption turned into a skip), replacing what
    /// it showed before. `report` is nil for an object that changed between full runs.
    func record(_ objects: [InspectedObject], report: Int64?) async throws
    /// Objects that are gone: their findings are resolved.
    func forget(_ subjects: [Subject]) async throws
    /// Closes a report as whole: findings of the cluster that it did not see are resolved.
    func finishReport(_ id: Int64, summary: Summary) async throws
    /// Closes a report that could not be completed; resolves nothing.
    func failReport(_ id: Int64, message: String) async throws
    /// The exemptions in force.
    func exemptions() async throws -> [Exemption]
}

/// One object and its problems.
package struct InspectedObject: Sendable {
    package var subject: Subject
    package var results: [CheckResult]

    package init(subject: Subject, results: [CheckResult]) {
        self.subject = subject
        self.results = results
    }
}
