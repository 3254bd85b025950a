// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Logging
import Synchronization

/// One Lease (coordination.k8s.io/v1) that at most one process holds: for what must run once.
///
/// A holder that dies loses it when nobody has seen the Lease change for its duration, by one's own monotonic clock.
/// Wall clocks are never compared, so that a clock that jumps takes the Lease from nobody. The holder for its part stops
/// counting on it `duration - renewMargin` after its last renewal began, whatever the API server does.
package final class Lease: Sendable {
    package struct Options: Sendable {
        package var namespace: String
        package var name: String
        /// Who asks, unique among all processes.
        package var identity: String
        /// How long nobody else may take it after a renewal; whole seconds.
        package var duration = Duration.seconds(15)
        /// How long before that a holder which could not renew it stands back.
        package var renewMargin = Duration.seconds(5)
        /// How often it is renewed, or looked at.
        package var interval = Duration.seconds(2)

        package init(namespace: String, name: String, identity: String) {
            self.namespace = namespace
            self.name = name
            self.identity = identity
        }
    }

    private struct State {
        /// The Lease as last seen: its version, and when that was seen first.
        var version: String?
        var seen: ContinuousClock.Instant?
        var holder = ""
        /// When the last renewal of ours began; nil when it is not ours.
        var renewed: ContinuousClock.Instant?
    }

    private let client: APIClient
    package let options: Options
    private let now: @Sendable () -> ContinuousClock.Instant
    private let logger: Logger
    private let state = Mutex(State())

    private static let leases = APIResource(
        group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)

    /// - Parameter now: the monotonic clock, for tests.
    package init(
        _ client: APIClient, options: Options, logger: Logger,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.client = client
        self.options = options
        self.logger = logger
        self.now = now
    }

    /// Whether this process may act as the holder at this moment.
    package var isHeld: Bool {
        state.withLock { state in
            guard let renewed = state.renewed else { return false }
            return now() < renewed + options.duration - options.renewMargin
        }
    }

    /// Who held it when it was last seen; empty for nobody.
    package var holder: String { state.withLock { $0.holder } }

    /// Takes and renews it until cancelled. Call `release` after that.
    package func run() async {
        while !Task.isCancelled {
            let wasHeld = isHeld
            do { try await step() } catch {
                if Task.isCancelled { break }
                logger.warning(
                    "The Lease could not be renewed",
                    metadata: ["lease": "\(options.namespace)/\(options.name)", "error": "\(error)"])
            }
            if wasHeld != isHeld {
                logger.notice(
                    wasHeld ? "Lost the Lease" : "Took the Lease",
                    metadata: ["lease": "\(options.namespace)/\(options.name)", "identity": "\(options.identity)"])
            }
            try? await Task.sleep(for: options.interval * Double.random(in: 1...1.2))
        }
    }

    /// Who holds it by the API server; empty for nobody. For somebody who only looks.
    package func read() async throws -> String {
        do {
            let found = try await client.get(Self.leases, namespace: options.namespace, name: options.name)
            return found.node["spec"]?["holderIdentity"]?.string ?? ""
        } catch let error as KubernetesError where error.code == .notFound {
            return ""
        }
    }

    /// One try: renews it when it is ours, takes it when nobody has it or its holder is gone, else looks at it.
    package func step() async throws {
        let began = now()
        let found: APIObject
        do {
            found = try await client.get(Self.leases, namespace: options.namespace, name: options.name)
        } catch let error as KubernetesError where error.code == .notFound {
            return try await write(began, over: nil)
        }
        let spec = found.node["spec"]
        let holder = spec?["holderIdentity"]?.string ?? ""
        let version = found.identity.resourceVersion
        let expired = state.withLock { state in
            if state.version != version {
                state.version = version
                state.seen = began
            }
            state.holder = holder
            if holder != options.identity { state.renewed = nil }
            // What the holder promised, not what we would.
            let promised = Duration.seconds(max(spec?["leaseDurationSeconds"]?.int ?? 0, 1))
            return began >= (state.seen ?? began) + promised
        }
        guard holder == options.identity || holder.isEmpty || expired else { return }
        try await write(began, over: found)
    }

    /// Gives it back when it is ours, so that the next one need not wait.
    package func release() async {
        let isOurs = state.withLock { state in
            defer { state.renewed = nil }
            return state.renewed != nil
        }
        guard isOurs else { return }
        do {
            let found = try await client.get(Self.leases, namespace: options.namespace, name: options.name)
            guard found.node["spec"]?["holderIdentity"]?.string == options.identity else { return }
            _ = try await client.replace(
                Self.leases, namespace: options.namespace, name: options.name,
                .json(text(holder: "", over: found, seconds: 1)))
        } catch {
            logger.warning(
                "The Lease could not be given back; it runs out",
                metadata: ["lease": "\(options.namespace)/\(options.name)", "error": "\(error)"])
        }
    }

    private func write(_ began: ContinuousClock.Instant, over found: APIObject?) async throws {
        let seconds = max(Int(options.duration.components.seconds), 1)
        let body = APIBody.json(text(holder: options.identity, over: found, seconds: seconds))
        do {
            let written: APIObject
            if found == nil {
                written = try await client.create(Self.leases, namespace: options.namespace, body)
            } else {
                written = try await client.replace(
                    Self.leases, namespace: options.namespace, name: options.name, body)
            }
            state.withLock { state in
                state.version = written.identity.resourceVersion
                state.seen = began
                state.holder = options.identity
                state.renewed = began
            }
        } catch let error as KubernetesError where error.code == .conflict {
            // Somebody else was quicker. The next step sees who.
            state.withLock { $0.renewed = nil }
        }
    }

    private func text(holder: String, over found: APIObject?, seconds: Int) -> String {
        let spec = found?.node["spec"]
        let changes = spec?["holderIdentity"]?.string != holder
        let time = Self.microTime(Date())
        let acquired = changes ? time : spec?["acquireTime"]?.string ?? time
        let transitions = (spec?["leaseTransitions"]?.int ?? 0) + (changes && found != nil && !holder.isEmpty ? 1 : 0)
        var metadata = #""name":\#(JSONText.quoted(options.name)),"namespace":\#(JSONText.quoted(options.namespace))"#
        if let version = found?.identity.resourceVersion {
            metadata += #","resourceVersion":\#(JSONText.quoted(version))"#
        }
        for field in ["labels", "annotations"] {
            if let kept = found?.node["metadata"]?[dynamic: field] { metadata += #","\#(field)":\#(kept.json())"# }
        }
        return #"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{\#(metadata)},"spec":{"#
            + #""holderIdentity":\#(JSONText.quoted(holder)),"leaseDurationSeconds":\#(seconds),"#
            + #""acquireTime":"\#(acquired)","renewTime":"\#(time)","leaseTransitions":\#(transitions)}}"#
    }

    /// metav1.MicroTime. For people to read; nobody decides by it.
    private static func microTime(_ date: Date) -> String {
        let micros = Int64((date.timeIntervalSince1970 * 1_000_000).rounded(.down))
        let second = Date(timeIntervalSince1970: Double(micros / 1_000_000))
        let stem = second.formatted(.iso8601).dropLast()
        let digits = String(micros % 1_000_000)
        return "\(stem).\(String(repeating: "0", count: 6 - digits.count))\(digits)Z"
    }
}
