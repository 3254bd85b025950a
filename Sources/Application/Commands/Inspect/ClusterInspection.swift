// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Kubernetes
import Logging
import PodSecurity

/// `bulwark inspect --live`: one inspection of a cluster, with progress and the exit status of the contract.
struct ClusterInspection {
    let cluster: String
    /// Kinds that may not be listed, and why.
    fileprivate let refused: [(kind: ObjectKind, reason: String)]
    fileprivate var inspection: LiveInspection

    func run(_ options: InspectionOptions, emit: (CheckResult) -> Void) async throws -> (Summary, ExitStatus) {
        var inspection = inspection
        inspection.judgedKinds = try options.kinds()
        // One namespace is asked for at the server; of several, objects of others are left out here.
        inspection.namespaces = Set(options.namespace)
        var progress = Progress()
        var status = refused.isEmpty ? ExitStatus.done : .unfinished
        for (kind, reason) in refused { Terminal.error("\(kind.name) objects are left out: \(reason)") }
        var worst = Severity.unknown
        defer { progress.clear() }
        do {
            let tally = try await inspection.run { kind, done in
                progress.show("inspecting \(kind.name): \(done)")
            } emit: { result in
                switch result.outcome {
                case .fail, .warn: worst = max(worst, result.check.severity)
                case .error: status = .unfinished
                case .pass, .skip: break
                }
                emit(result)
            }
            if let limit = options.failOn?.severity, worst >= limit { status = max(status, .failed) }
            return (tally.summary, status)
        } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
    }
}

extension ClusterOptions {
    func inspection(_ inspector: Inspector, _ options: InspectionOptions) async throws -> ClusterInspection {
        var logger = Logger(label: "bulwark") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let client = try client(logger: logger)
        let kinds = try await kinds(client)
        return ClusterInspection(
            cluster: client.connection.cluster, refused: kinds.refused,
            inspection: LiveInspection(client: client, kinds: kinds, inspector: inspector))
    }
}
