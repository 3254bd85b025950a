// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the console asks of whatever inspects: to begin, how far it is, when it begins by itself, and how well it does.
/// Answers come from memory; only `suggestedPatch` may ask the cluster.
package protocol InspectionControl: Sendable {
    /// What is inspected, in a few words: a cluster's name, or folders.
    var scope: String { get }
    /// Begins a full inspection and returns at once; false when one is running already. `by` names who asked.
    func start(by: String) async throws -> Bool
    func progress() async -> InspectionProgress
    func schedule() async -> InspectionSchedule
    /// Checks cron text (five fields, or empty for no schedule) and names the next times after `now`.
    /// Throws an error whose description tells a person what is wrong with it.
    func preview(schedule text: String, now: Int64) throws -> [Int64]
    /// Keeps the schedule after the same checks.
    func setSchedule(_ text: String, by: String) async throws
    /// A change that mends what its checks find wrong with the subject, as a unified diff or a patch; nil without one.
    func suggestedPatch(for subject: Subject) async -> String?
    /// Whether the parts are able to work: informers synced, source readable.
    func readiness() async -> [ReadinessPart]
    func metrics() async -> InspectionMetrics
}

package struct InspectionProgress: Sendable, Equatable {
    package enum Phase: String, Sendable, CaseIterable {
        /// None has run since the start.
        case idle
        case reading
        case judging
        case storing
        case finished
        case failed

        package var isRunning: Bool { self == .reading || self == .judging || self == .storing }
    }

    package var phase: Phase
    package var done: Int
    /// 0 while it is unknown.
    package var total: Int
    /// Seconds since 1970 of the last run's start and end.
    package var started: Int64?
    package var finished: Int64?
    /// Why it failed, or what it does.
    package var message: String
    /// The report it fills or filled.
    package var report: Int64?

    package init(
        phase: Phase = .idle, done: Int = 0, total: Int = 0, started: Int64? = nil, finished: Int64? = nil,
        message: String = "", report: Int64? = nil
    ) {
        self.phase = phase
        self.done = done
        self.total = total
        self.started = started
        self.finished = finished
        self.message = message
        self.report = report
    }
}

package struct InspectionSchedule: Sendable, Equatable {
    /// Cron text of five fields in UTC; empty for none.
    package var text: String
    /// Up to five times, seconds since 1970.
    package var next: [Int64]

    package init(text: String = "", next: [Int64] = []) {
        self.text = text
        self.next = next
    }
}

package struct ReadinessPart: Sendable, Equatable {
    package var name: String
    package var ready: Bool
    /// What it waits for, without anything secret: whoever asks sees it without logging in.
    package var message: String

    package init(name: String, ready: Bool, message: String = "") {
        self.name = name
        self.ready = ready
        self.message = message
    }
}

package struct InspectionMetrics: Sendable {
    /// Objects held now, by kind.
    package var objects: [(kind: String, count: Int)]
    /// Times that a watch began anew, by kind.
    package var watchRestarts: [(kind: String, count: Int)]
    /// Seconds of every full inspection since the start: their number and sum, and how many took at most each bound.
    package var durations: DurationHistogram
    /// Of scans of images; nil where there are none.
    package var images: ImageMetrics?
    /// Families of other parts, in the text exposition format.
    package var others = ""

    package init(
        objects: [(kind: String, count: Int)] = [], watchRestarts: [(kind: String, count: Int)] = [],
        durations: DurationHistogram = DurationHistogram()
    ) {
        self.objects = objects
        self.watchRestarts = watchRestarts
        self.durations = durations
    }
}

/// Counts of durations at or below fixed bounds, in seconds.
package struct DurationHistogram: Sendable, Equatable {
    package let bounds: [Double]
    /// One more than bounds: the last holds what is above all of them. Not summed up.
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0

    package init(bounds: [Double] = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900]) {
        self.bounds = bounds
        self.counts = Array(repeating: 0, count: bounds.count + 1)
    }

    package mutating func add(_ seconds: Double) {
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }

    package var count: Int { counts.reduce(0, +) }
}
