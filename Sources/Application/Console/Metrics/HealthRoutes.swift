// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Logging
import Store

/// For probes and scrapers, which do not log in: nothing here names a workload.
enum HealthRoutes {
    static let routes = [
        Route(.get, "/healthz", .open) { _, _ in Reply.text("ok\n") },
        Route(.get, "/readyz", .open) { _, parts in
            var states = await parts.control.readiness()
            do {
                try await parts.store.write { _ in }
                states.append(ReadinessPart(name: "store", ready: true))
            } catch {
                parts.logger.warning("The store is not ready", metadata: ["error": "\(error)"])
                states.append(ReadinessPart(name: "store", ready: false, message: "cannot be written"))
            }
            let ready = states.allSatisfy(\.ready)
            let lines = states.map { state in
                let message = state.message.isEmpty ? "" : ": \(state.message)"
                return "\(state.ready ? "ok" : "waiting") \(state.name)\(message)\n"
            }
            return Reply.text(
                lines.joined() + (ready ? "ready\n" : "not ready\n"), status: ready ? .ok : .serviceUnavailable)
        },
        Route(.get, "/metrics", .open) { _, parts in
            Reply.text(try await metrics(parts), type: MetricsText.mediaType)
        },
    ]

    static func metrics(_ parts: ConsoleParts) async throws -> String {
        var text = MetricsText()
        text.family("bulwark_info", .gauge, "The version that runs.")
        text.sample("bulwark_info", [("version", parts.version)], 1)
        text.family("bulwark_findings", .gauge, "Findings by severity and status.")
        for status in Finding.Status.allCases {
            var filter = FindingFilter()
            filter.statuses = [status]
            let counts = try await parts.store.ledger.counts(filter).bySeverity
            for severity in Severity.allCases {
                text.sample(
                    "bulwark_findings", [("severity", severity.description), ("status", status.rawValue)],
                    counts[severity] ?? 0)
            }
        }
        if let last = try await parts.store.ledger.trend(limit: 1).last {
            text.family("bulwark_score", .gauge, "The score of the last complete inspection, 0 to 100.")
            text.sample("bulwark_score", [], last.summary.score)
            text.family(
                "bulwark_last_inspection_timestamp_seconds", .gauge, "When the last complete inspection ended.")
            text.sample("bulwark_last_inspection_timestamp_seconds", [], Int(last.finished ?? last.started))
        }
        let control = await parts.control.metrics()
        text.family("bulwark_objects", .gauge, "Objects held, by kind.")
        for (kind, count) in control.objects { text.sample("bulwark_objects", [("kind", kind)], count) }
        text.family("bulwark_watch_restarts_total", .counter, "Watches that began anew, by kind.")
        for (kind, count) in control.watchRestarts {
            text.sample("bulwark_watch_restarts_total", [("kind", kind)], count)
        }
        text.family("bulwark_inspection_duration_seconds", .histogram, "Full inspections, by how long they took.")
        text.histogram("bulwark_inspection_duration_seconds", control.durations)
        control.images?.write(to: &text)
        text.append(control.others)
        parts.metrics.write(to: &text)
        return text.text
    }
}
