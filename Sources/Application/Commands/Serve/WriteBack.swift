// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Kubernetes
import Logging
import Reporting
import Store

/// Writes what was found back into the cluster: policy reports and Events, where the settings ask for them.
///
/// Never stands in the way: a cluster that refuses is told in the log, and the findings are in the ledger all the same.
struct WriteBack: Sendable {
    let client: APIClient
    let store: Store
    let checks: [String: Check]
    let logger: Logger
    /// Events of one run; more would bury everything else that `kubectl get events` shows.
    private static let maxEvents = 50

    init(client: APIClient, store: Store, checks: [Check], logger: Logger) {
        self.client = client
        self.store = store
        self.checks = Dictionary(checks.map { ($0.id, $0) }) { first, _ in first }
        self.logger = logger
    }

    func started(report: Int64) async {
        guard (try? await store.settings().writeEvents) == true else { return }
        await attempt("event") {
            try await event(
                "InspectionStarted", "Normal", "Bulwark began inspection \(report).", nil, key: "started-\(report)")
        }
    }

    func finished(report: Int64, summary: Summary) async {
        guard let settings = try? await store.settings() else { return }
        for (api, isOn) in [
            (PolicyReportAPI.wgpolicy, settings.writePolicyReports), (.openreports, settings.writeOpenReports),
        ] where isOn {
            await attempt(api.apiVersion) { try await writeReports(api) }
        }
        guard settings.writeEvents else { return }
        await attempt("event") {
            try await event(
                "InspectionFinished", "Normal",
                "Bulwark inspected \(summary.objects) objects: \(summary.count(.fail)) failures, score \(summary.score).",
                nil,
                key: "finished-\(report)")
            let began = try await store.ledger.report(report)?.started ?? 0
            var filter = FindingFilter.open
            filter.cluster = client.connection.cluster
            filter.severities = FindingFilter.atLeast(.high)
            filter.statuses = [.new]
            let page = try await store.ledger.findings(filter, sort: .newest, limit: Self.maxEvents)
            for finding in page.findings where finding.firstSeen >= began {
                try await event(
                    "InspectionHighRiskFound", "Warning", "\(finding.checkID) \(finding.severity): \(finding.message)",
                    finding.subject, key: "\(finding.fingerprint)")
            }
        }
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do { try await body() } catch {
            logger.warning("write-back failed", metadata: ["what": "\(what)", "reason": "\(error)"])
        }
    }

    // MARK: Policy reports

    private func writeReports(_ api: PolicyReportAPI) async throws {
        let group = String(api.apiVersion.split(separator: "/")[0])
        let served = try await client.discover(groups: [group])
        guard let own = served.resource(apiVersion: api.apiVersion, kind: api.kind(cluster: false)),
            let whole = served.resource(apiVersion: api.apiVersion, kind: api.kind(cluster: true))
        else {
            throw UserError(
                "the cluster does not serve \(api.apiVersion); install its custom resource definitions first")
        }
        var objects = PolicyReportObjects(api: api, time: Store.wallClock())
        var filter = FindingFilter()
        filter.cluster = client.connection.cluster
        filter.statuses = [.new, .inProgress, .suppressed]
        var offset = 0
        while true {
            let page = try await store.ledger.findings(
                filter, sort: .subject, limit: FindingLedger.pageLimit, offset: offset)
            for finding in page.findings {
                if let check = checks[finding.checkID] { objects.add(finding, check: check) }
            }
            offset += page.findings.count
            if page.findings.isEmpty || offset >= page.total { break }
        }
        var written: Set<String> = []
        let options = WriteOptions(fieldManager: "bulwark", force: true)
        for object in objects.objects() {
            let resource = object.namespace.isEmpty ? whole : own
            do {
                _ = try await client.apply(
                    resource, namespace: object.namespace.isEmpty ? nil : object.namespace, name: object.name,
                    object.json,
                    options: options)
                written.insert(object.namespace)
            } catch let error as KubernetesError where error.code == .notFound || error.code == .conflict {
                // The namespace went away meanwhile; the next run knows.
                logger.notice(
                    "policy report not written",
                    metadata: ["namespace": "\(object.namespace)", "reason": "\(error.message)"])
            }
        }
        // Where nothing is wrong any more, yesterday's report must not stay.
        for resource in [own, whole] {
            for try await page in try client.list(resource) {
                for stale in page.objects
                where stale.identity.name == PolicyReportObjects.name && !written.contains(stale.identity.namespace) {
                    try await client.delete(
                        resource, namespace: resource.namespaced ? stale.identity.namespace : nil,
                        name: stale.identity.name,
                        uid: stale.identity.uid)
                }
            }
        }
    }

    // MARK: Events

    /// Makes an Event about a subject, or about the cluster as a whole. `key` makes the name, so that it is made once.
    private func event(_ reason: String, _ type: String, _ message: String, _ subject: Subject?, key: String)
        async throws
    {
        let namespace = subject.map { $0.namespace.isEmpty ? "default" : $0.namespace } ?? "default"
        var writer = TreeWriter(.json)
        writer.object { writer in
            writer.field("apiVersion", "v1")
            writer.field("kind", "Event")
            writer.key("metadata")
            writer.object { writer in
                writer.field("name", "bulwark.\(key)")
                writer.field("namespace", namespace)
            }
            writer.key("involvedObject")
            writer.object { writer in
                writer.field("apiVersion", subject?.apiVersion ?? "v1")
                writer.field("kind", subject?.kind ?? "Namespace")
                writer.field("name", subject?.name ?? "default")
                writer.field("namespace", subject?.namespace ?? "")
            }
            writer.field("reason", reason)
            writer.field("type", type)
            writer.field("message", String(message.prefix(1000)))
            writer.key("source")
            writer.object { $0.field("component", "bulwark") }
            let time = Timestamp.iso8601(Store.wallClock())
            writer.field("firstTimestamp", time)
            writer.field("lastTimestamp", time)
            writer.field("count", 1)
        }
        do {
            _ = try await client.create(
                .events, namespace: namespace, APIBody(writer.output.bytes, contentType: "application/json"))
        } catch let error as KubernetesError where error.code == .conflict {
            // Told already.
        }
    }
}
