// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Synchronization

/// Counts what admission does. Labels are phases, actions, reviewers and statuses, never what a request says.
package final class AdmissionMetrics: Sendable {
    private struct Key: Hashable {
        var phase: ReviewPhase
        var reviewer: String
        var kind: String
    }

    private struct State {
        var reviews: [Key: Int] = [:]
        var failures: [Key: Int] = [:]
        var failedOpen: [String: Int] = [:]
        var shed = 0
        var latency: [ReviewPhase: Latency] = [:]
        var lastCall: [ReviewPhase: Int64] = [:]
        /// By HTTP status.
        var rejected: [Int: Int] = [:]
        var connections = 0
        var cutConnections: [String: Int] = [:]
        var certificateEnd: Int64?
        var slots: ReviewSlots?
        var handOver: RecordSender.Counts?
        var others: [@Sendable (inout MetricLines) -> Void] = []
    }

    struct Latency {
        /// Seconds.
        static let bounds = [
            0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
        ]
        var counts = [Int](repeating: 0, count: bounds.count)
        var count = 0
        var sum = 0.0

        mutating func add(_ seconds: Double) {
            count += 1
            sum += seconds
            if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { counts[index] += 1 }
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Requests that passed because a reviewer failed and its failure policy is Ignore.
    package var failedOpen: Int { state.withLock { $0.failedOpen.values.reduce(0, +) } }
    /// Reviews that were not begun because too many ran and waited.
    package var shed: Int { state.withLock { $0.shed } }
    /// Seconds since 1970 of the last call of a webhook; nil without one since the start.
    package func lastCall(_ phase: ReviewPhase) -> Int64? { state.withLock { $0.lastCall[phase] } }

    /// What became of the records so far, from a replica that hands them over.
    package func handedOver(_ counts: RecordSender.Counts) { state.withLock { $0.handOver = counts } }

    /// Lets a reviewer tell families of its own.
    package func add(_ write: @escaping @Sendable (inout MetricLines) -> Void) {
        state.withLock { $0.others.append(write) }
    }

    func watch(_ slots: ReviewSlots) { state.withLock { $0.slots = slots } }

    func answered(
        _ phase: ReviewPhase, _ actions: [(reviewer: String, action: AdmissionDecision.Action)], after elapsed: Duration
    ) {
        let now = Int64(Date().timeIntervalSince1970)
        state.withLock { state in
            for (reviewer, action) in actions {
                state.reviews[Key(phase: phase, reviewer: reviewer, kind: action.rawValue), default: 0] += 1
            }
            if actions.isEmpty { state.reviews[Key(phase: phase, reviewer: "", kind: "allow"), default: 0] += 1 }
            state.latency[phase, default: Latency()].add(elapsed.seconds)
            state.lastCall[phase] = now
        }
    }

    func failed(_ reviewer: String, _ phase: ReviewPhase, _ kind: ReviewFailure, isOpen: Bool) {
        state.withLock { state in
            state.failures[Key(phase: phase, reviewer: reviewer, kind: kind.rawValue), default: 0] += 1
            if isOpen { state.failedOpen[reviewer, default: 0] += 1 }
            if kind == .overloaded { state.shed += 1 }
        }
    }

    func rejected(_ status: Int) { state.withLock { $0.rejected[status, default: 0] += 1 } }
    func connections(_ count: Int) { state.withLock { $0.connections = count } }
    func cut(_ reason: String) { state.withLock { $0.cutConnections[reason, default: 0] += 1 } }
    package func certificate(endsAt seconds: Int64) { state.withLock { $0.certificateEnd = seconds } }

    /// The Prometheus text format, version 0.0.4.
    package var text: String {
        let state = self.state.withLock { $0 }
        let slots = state.slots?.counts ?? (0, 0)
        var text = MetricLines()
        text.family("bulwark_admission_reviews_total", "counter", "Reviews by phase, reviewer and what came of them.")
        for (key, count) in state.reviews.sorted(by: Self.order) {
            text.sample([("phase", key.phase.rawValue), ("reviewer", key.reviewer), ("action", key.kind)], count)
        }
        text.family("bulwark_admission_failures_total", "counter", "Reviews that a reviewer could not give.")
        for (key, count) in state.failures.sorted(by: Self.order) {
            text.sample([("phase", key.phase.rawValue), ("reviewer", key.reviewer), ("failure", key.kind)], count)
        }
        text.family("bulwark_admission_failed_open_total", "counter", "Requests that passed unjudged.")
        for reviewer in Set(state.failures.keys.map(\.reviewer)).union(state.failedOpen.keys).sorted() {
            text.sample([("reviewer", reviewer)], state.failedOpen[reviewer] ?? 0)
        }
        text.family("bulwark_admission_shed_total", "counter", "Reviews not begun because of too much load.")
        text.sample([], state.shed)
        text.family("bulwark_admission_running", "gauge", "Reviews that run.")
        text.sample([], slots.0)
        text.family("bulwark_admission_waiting", "gauge", "Reviews that wait.")
        text.sample([], slots.1)
        text.family("bulwark_admission_rejected_total", "counter", "HTTP requests that were no reviews, by status.")
        for (status, count) in state.rejected.sorted(by: { $0.key < $1.key }) {
            text.sample([("status", String(status))], count)
        }
        text.family("bulwark_admission_connections", "gauge", "Open connections.")
        text.sample([], state.connections)
        text.family("bulwark_admission_cut_connections_total", "counter", "Connections that were closed, by reason.")
        for (reason, count) in state.cutConnections.sorted(by: { $0.key < $1.key }) {
            text.sample([("reason", reason)], count)
        }
        text.family("bulwark_admission_last_call_timestamp_seconds", "gauge", "When each webhook was last called.")
        for phase in ReviewPhase.allCases {
            if let time = state.lastCall[phase] { text.sample([("phase", phase.rawValue)], Int(time)) }
        }
        if let end = state.certificateEnd {
            text.family("bulwark_admission_certificate_expiry_timestamp_seconds", "gauge", "When the certificate ends.")
            text.sample([], Int(end))
        }
        if let handOver = state.handOver {
            text.family("bulwark_records_spooled", "gauge", "Records that wait on the disk to be handed over.")
            text.sample([], handOver.spool.waiting)
            text.family("bulwark_records_spooled_bytes", "gauge", "The size of the spool.")
            text.sample([], handOver.spool.bytes)
            text.family("bulwark_records_sent_total", "counter", "Records that the server has acknowledged.")
            text.sample([], handOver.sent)
            text.family("bulwark_records_dropped_total", "counter", "Records that were lost, by where.")
            text.sample([("where", "queue")], handOver.queue.dropped)
            text.sample([("where", "spool")], handOver.spool.dropped)
            text.family("bulwark_records_failures_total", "counter", "Attempts to hand over that failed.")
            text.sample([], handOver.failures)
        }
        for write in state.others { write(&text) }
        text.family("bulwark_admission_duration_seconds", "histogram", "From a request's head to its answer.")
        for phase in ReviewPhase.allCases {
            if let latency = state.latency[phase] { text.histogram(phase.rawValue, latency) }
        }
        return text.text
    }

    private static func order(_ left: (key: Key, value: Int), _ right: (key: Key, value: Int)) -> Bool {
        (left.key.phase.rawValue, left.key.reviewer, left.key.kind)
            < (right.key.phase.rawValue, right.key.reviewer, right.key.kind)
    }
}

/// Lines of the Prometheus text format.
package struct MetricLines {
    private(set) var text = ""
    private var name = ""

    package mutating func family(_ name: String, _ kind: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    package mutating func sample(_ labels: [(String, String)], _ value: Int) { line("", labels, String(value)) }
    package mutating func sample(_ labels: [(String, String)], _ value: Double) { line("", labels, "\(value)") }

    mutating func histogram(_ phase: String, _ latency: AdmissionMetrics.Latency) {
        var total = 0
        for (bound, count) in zip(AdmissionMetrics.Latency.bounds, latency.counts) {
            total += count
            line("_bucket", [("phase", phase), ("le", "\(bound)")], String(total))
        }
        line("_bucket", [("phase", phase), ("le", "+Inf")], String(latency.count))
        line("_sum", [("phase", phase)], "\(latency.sum)")
        line("_count", [("phase", phase)], String(latency.count))
    }

    private mutating func line(_ suffix: String, _ labels: [(String, String)], _ value: String) {
        let fields = labels.map { label in
            let escaped = label.1.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
                "\n", with: "\\n")
            return "\(label.0)=\"\(escaped)\""
        }
        text += name + suffix + (fields.isEmpty ? "" : "{\(fields.joined(separator: ","))}") + " \(value)\n"
    }
}
