// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Kubernetes
import Logging
import ServiceLifecycle

/// Keeps the webhooks installed, as long as this process holds the Lease.
package struct WebhookMaintenance: Service {
    private let installer: WebhookInstaller
    private let authority: WebhookAuthority
    private let chain: ReviewerChain
    private let mayWrite: @Sendable () -> Bool
    private let interval: Duration
    private let logger: Logger

    package init(
        installer: WebhookInstaller, authority: WebhookAuthority, chain: ReviewerChain,
        mayWrite: @escaping @Sendable () -> Bool, interval: Duration = .seconds(30), logger: Logger
    ) {
        self.installer = installer
        self.authority = authority
        self.chain = chain
        self.mayWrite = mayWrite
        self.interval = interval
        self.logger = logger
    }

    package func run() async throws {
        do { try await cancelWhenGracefulShutdown { try await maintain() } } catch is CancellationError {
            // The process stops, and this with it.
        }
    }

    private func maintain() async throws {
        while true {
            let isReady = chain.waitsFor.isEmpty
            if mayWrite() {
                do {
                    _ = try await installer.repair(bundle: authority.current?.bundle ?? "", isReady: isReady)
                } catch {
                    try Task.checkCancellation()
                    logger.error("The webhooks could not be installed", metadata: ["error": "\(error)"])
                }
            }
            // Until it is the holder's turn and reviewers are ready, look often: it begins with this.
            let pause = isReady && mayWrite() ? interval : min(interval, .seconds(1))
            try await Task.sleep(for: pause * Double.random(in: 1...1.2))
        }
    }
}

/// Holds a Lease as long as the process runs, and gives it back.
package struct LeaseHolding: Service {
    private let lease: Lease

    package init(_ lease: Lease) { self.lease = lease }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await lease.run() }
        await lease.release()
    }
}
