// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import Kubernetes
import Logging
import ServiceLifecycle

/// What a process that judges by admission policies runs: their watch, the reviewer, and the writing of statuses.
struct AdmissionPolicyParts: Sendable {
    let index: AdmissionPolicyIndex
    private let sync: ClusterSync
    private let writer: AdmissionPolicyStatusWriter
    private let logger: Logger

    init(_ client: APIClient, logger: Logger) {
        index = AdmissionPolicyIndex()
        sync = ClusterSync(index, client, logger: logger)
        writer = AdmissionPolicyStatusWriter(client, index, logger: logger)
        self.logger = logger
    }

    func reviewer(_ client: APIClient, failurePolicy: FailurePolicy) -> AdmissionPolicyReviewer {
        AdmissionPolicyReviewer(
            index, failurePolicy: failurePolicy,
            readNamespace: { try await client.get(.namespaces, namespace: nil, name: $0).node },
            rights: RightsReader(client))
    }

    /// - Parameter mayWrite: whether this process writes statuses at the moment.
    func services(mayWrite: @escaping @Sendable () -> Bool) -> [any Service] {
        [
            Stopping { try await sync.run() },
            Stopping {
                while true {
                    if mayWrite() { try await writer.round() }
                    try await Task.sleep(for: .seconds(1))
                }
            },
        ]
    }
}
