// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import Findings
import Kubernetes
import Logging
import ServiceLifecycle
import Store

/// What a process that judges by constraints runs: the watch of templates and constraints, the reviewer, the making of
/// their kinds and statuses, and with a store the audit.
struct GatekeeperParts: Sendable {
    let index: GatekeeperIndex
    let sync: ClusterSync
    let audit: ConstraintAudit?
    private let controller: GatekeeperController
    private let external: ExternalData
    private let providers: ProviderClient
    private let logger: Logger

    /// - Parameter store: where an audit is kept; without one there is none.
    init(_ client: APIClient, store: Store?, logger: Logger) {
        let index = GatekeeperIndex()
        self.index = index
        self.logger = logger
        let sync = ClusterSync(index, client, logger: logger)
        self.sync = sync
        let providers = ProviderClient()
        self.providers = providers
        let external = ExternalData { try await providers.fetch($0, $1) }
        self.external = external
        let audit = store.map {
            ConstraintAudit(index, client, recorder: LedgerAudit(ledger: $0.ledger), external: external, logger: logger)
        }
        self.audit = audit
        var results: GatekeeperController.AuditReader?
        if let audit { results = { try await audit.result(of: $0) } }
        controller = GatekeeperController(
            client, index, audit: results, onNewKind: { sync.lookAgain() }, logger: logger)
    }

    func reviewer(_ client: APIClient, failurePolicy: FailurePolicy) -> GatekeeperReviewer {
        GatekeeperReviewer(
            index, failurePolicy: failurePolicy,
            readNamespace: { name in
                try await client.get(.namespaces, namespace: nil, name: name).node
            }, external: external)
    }

    /// - Parameter mayWrite: whether this process makes kinds and writes statuses at the moment.
    func services(mayWrite: @escaping @Sendable () -> Bool) -> [any Service] {
        var services: [any Service] = [
            Stopping { try await sync.run() },
            Stopping {
                while true {
                    if mayWrite() {
                        do { try await controller.round() } catch let error as CancellationError { throw error } catch {
                            logger.warning("Constraints' statuses wait", metadata: ["reason": "\(error)"])
                        }
                    }
                    try await Task.sleep(for: .seconds(1))
                }
            },
        ]
        services.append(Ending { await providers.shutdown() })
        if let audit { services.append(Stopping { try await audit.run() }) }
        return services
    }
}

/// Keeps what an audit by constraints finds in the ledger.
private struct LedgerAudit: ConstraintAuditRecorder {
    let ledger: FindingLedger

    func record(_ objects: [InspectedObject]) async throws { try await ledger.record(objects, report: nil) }
    func forget(_ subjects: [Subject]) async throws { try await ledger.forget(subjects) }
    func settle(cluster: String, before time: Int64) async throws {
        try await ledger.settleConstraints(cluster: cluster, before: time)
    }

    func violations(of check: String, limit: Int) async throws -> (total: Int, first: [Finding]) {
        var filter = FindingFilter.open
        filter.checks = [check]
        let page = try await ledger.findings(filter, sort: .subject, limit: limit, offset: 0)
        return (page.total, page.findings)
    }
}

/// Does something when the process is told to stop.
private struct Ending: Service {
    let body: @Sendable () async -> Void

    init(_ body: @escaping @Sendable () async -> Void) { self.body = body }

    func run() async throws {
        try? await gracefulShutdown()
        await body()
    }
}
