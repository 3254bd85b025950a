// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Counts of the requests that were answered, by route: routes are few, whatever is asked for.
final class RequestMetrics: Sendable {
    struct Key: Hashable, Comparable {
        var method: String
        var route: String
        var status: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    private struct State {
        var counts: [Key: Int] = [:]
        var durations = DurationHistogram(bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5])
        var failedLogins = 0
    }

    private let state = Mutex(State())

    func answered(method: String, route: String, status: Int, seconds: Double) {
        state.withLock {
            $0.counts[Key(method: method, route: route, status: status), default: 0] += 1
            $0.durations.add(seconds)
        }
    }

    func loginFailed() { state.withLock { $0.failedLogins += 1 } }

    func write(to text: inout MetricsText) {
        let (counts, durations, failed) = state.withLock { ($0.counts, $0.durations, $0.failedLogins) }
        text.family("bulwark_http_requests_total", .counter, "Requests answered, by route.")
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
            text.sample(
                "bulwark_http_requests_total",
                [("method", key.method), ("route", key.route), ("status", String(key.status))], count)
        }
        text.family("bulwark_http_request_duration_seconds", .histogram, "Time to answer a request.")
        text.histogram("bulwark_http_request_duration_seconds", durations)
        text.family("bulwark_login_failures_total", .counter, "Log-ins refused.")
        text.sample("bulwark_login_failures_total", [], failed)
    }
}
