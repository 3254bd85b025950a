// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What a server inspects: a cluster that it watches, or files.
package protocol InspectionSource: Sendable {
    /// The cluster's name, or what stands for it.
    var name: String { get }
    /// Keeps up with changes until cancelled; returns at once where nothing can change by itself.
    func watch() async throws
    /// Waits until a full inspection makes sense.
    func becomeReady() async throws
    /// Judges everything and records it under a report. `progress` is told how many objects are done and how many there are
    /// (0 while unknown).
    func inspectAll(report: Int64, progress: @Sendable (Int, Int) -> Void) async throws -> Summary
    /// Parts that must work, what they wait for, and how they do.
    func health() -> [SourceHealth]
    /// A strategic merge patch in YAML that mends what fixes can mend on a subject; nil without one.
    func suggestedPatch(for subject: Subject) async throws -> String?
}

package struct SourceHealth: Sendable {
    package var kind: String
    package var isReady: Bool
    package var message: String
    package var objects: Int
    package var restarts: Int

    package init(kind: String, isReady: Bool, message: String = "", objects: Int = 0, restarts: Int = 0) {
        self.kind = kind
        self.isReady = isReady
        self.message = message
        self.objects = objects
        self.restarts = restarts
    }
}
