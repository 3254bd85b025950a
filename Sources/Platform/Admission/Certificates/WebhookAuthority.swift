// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the certificates of one process in step with the store, and renews them where it may.
///
/// Every replica reads; only the one that `mayWrite` (the holder of the Lease) makes and renews.
package final class WebhookAuthority: Service {
    package struct Options: Sendable {
        /// The server's names and addresses.
        package var names: [String]
        /// How often the store is read; up to a fifth more at random.
        package var interval = Duration.seconds(20)
        /// The same until there are certificates.
        package var firstInterval = Duration.seconds(1)
        /// Seconds since 1970.
        package var now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }

        /// Of the server's certificate, in seconds. It is read, and so renewed, often enough for it.
        package let lifetime: Int64

        package init(names: [String], lifetime: Int64 = WebhookCertificates.defaultLifetime) {
            self.names = names
            self.lifetime = lifetime
            interval = min(interval, .milliseconds(max(lifetime, 1) * 1000 / 20))
        }
    }

    private let store: any WebhookCertificateStore
    private let options: Options
    private let mayWrite: @Sendable () -> Bool
    private let metrics: AdmissionMetrics?
    private let logger: Logger
    private let state = Mutex<(current: WebhookCertificates?, served: ServedCertificate?)>((nil, nil))

    package init(
        store: any WebhookCertificateStore, options: Options, mayWrite: @escaping @Sendable () -> Bool,
        metrics: AdmissionMetrics? = nil, logger: Logger
    ) {
        self.store = store
        self.options = options
        self.mayWrite = mayWrite
        self.metrics = metrics
        self.logger = logger
    }

    /// As last read; nil until there are any.
    package var current: WebhookCertificates? { state.withLock { $0.current } }
    /// What the server presents; follows every renewal.
    package var served: ServedCertificate? { state.withLock { $0.served } }

    /// Reads the store, makes or renews what is due when this may write, and serves the outcome.
    package func refresh() async throws {
        let now = options.now()
        let stored = try await store.read()
        var certificates = stored?.certificates
        if mayWrite() {
            // A Secret that was deleted comes back as it was: new certificates would not be trusted before the webhooks'
            // configurations name their authority.
            let due =
                try (certificates ?? current)?.renewed(
                    names: options.names, now: now, lifetime: options.lifetime)
                ?? .make(names: options.names, now: now, lifetime: options.lifetime)
            if due != certificates {
                do {
                    try await store.write(due, replacing: stored?.version)
                    certificates = due
                    logger.notice("Made certificates for admission", metadata: ["until": "\(due.serverEnd)"])
                } catch let error as AdmissionError where error.code == .conflict {
                    // Somebody else was quicker: theirs count.
                    certificates = try await store.read()?.certificates
                }
            }
        }
        guard let certificates else { return }
        try use(certificates)
    }

    private func use(_ certificates: WebhookCertificates) throws {
        let (current, served) = state.withLock { $0 }
        metrics?.certificate(endsAt: certificates.serverEnd)
        guard certificates != current else { return }
        let pair = certificates.server
        if let served {
            try served.replace(chain: pair.certificate, key: pair.key)
            state.withLock { $0.current = certificates }
        } else {
            let fresh = try ServedCertificate(chain: pair.certificate, key: pair.key)
            state.withLock { $0 = (certificates, fresh) }
        }
    }

    /// Waits for the first certificates: what a replica does that may not make them.
    package func ready() async throws -> ServedCertificate {
        while true {
            do { try await refresh() } catch is CancellationError { throw CancellationError() } catch {
                logger.warning("Admission's certificates cannot be read", metadata: ["error": "\(error)"])
            }
            if let served { return served }
            try await Task.sleep(for: options.firstInterval)
        }
    }

    package func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await Task.sleep(for: self.options.interval * Double.random(in: 1...1.2))
                    do { try await self.refresh() } catch is CancellationError { throw CancellationError() } catch {
                        self.logger.error(
                            "Admission's certificates could not be refreshed; the old ones stay",
                            metadata: ["error": "\(error)"])
                    }
                }
            }
        } catch is CancellationError {
            // The process stops, and this with it.
        }
    }
}
