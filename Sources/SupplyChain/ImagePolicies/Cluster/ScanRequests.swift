// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Kubernetes
import Logging
import Synchronization

/// Asks for scans by making ImageScan objects. Whoever may make pods can name any number of images, so this is bounded: by
/// namespace and in all, over time and by what there is already. Asking never waits.
package final class ScanRequests: Sendable {
    package struct Limits: Sendable {
        /// At once, and then one more every so many seconds.
        package var namespace = (burst: 30, seconds: 6.0)
        package var all = (burst: 200, seconds: 1.0)
        /// Scans without a result, and scans in all.
        package var withoutResult = 500
        package var scans = 20_000

        package init() {}
    }

    private struct Bucket {
        var tokens: Double
        var time: Double
    }

    private struct State {
        var buckets: [String: Bucket] = [:]
        var all: Bucket?
        /// Names of objects that were asked for, with when; what the watch tells comes a moment later.
        var asked: [String: Double] = [:]
        /// When the API server last took no object; nil once it took one again.
        var trouble: Double?
    }

    private let client: APIClient?
    private let index: ImagePolicyIndex
    private let limits: Limits
    private let logger: Logger
    /// Seconds since some moment.
    private let clock: @Sendable () -> Double
    private let state = Mutex(State())
    private let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    /// - Parameter client: nil where requests are only counted.
    package init(
        _ client: APIClient?, _ index: ImagePolicyIndex, limits: Limits = Limits(), logger: Logger,
        clock: @escaping @Sendable () -> Double = { Date().timeIntervalSince1970 }
    ) {
        (self.client, self.index, self.limits, self.logger, self.clock) = (client, index, limits, logger, clock)
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(500))
    }

    /// How long an object that was asked for may take to show up before it is asked for again.
    private static let patience = 30.0

    /// Asks for a scan. Returns why it was not asked for, in words; nil when it was, now or a moment ago.
    func ask(_ reference: ScannedReference, namespace: String) -> String? {
        let counts = index.counts
        if counts.withoutResult >= limits.withoutResult {
            return "\(counts.withoutResult) images wait for their scan already"
        }
        if counts.scans >= limits.scans { return "there are \(counts.scans) ImageScan objects already" }
        let (name, now) = (ImageScan.name(of: reference.text), clock())
        switch state.withLock({ take(name, namespace, now, &$0) }) {
        case .known: return nil
        case .refused(let why): return why
        case .new:
            if case .dropped = continuation.yield(reference.text) {
                state.withLock { $0.asked[name] = nil }
                return "too many scans are asked for"
            }
            // Tried again each time; that it was asked for is only said while it can be.
            let isTroubled = state.withLock { $0.trouble.map { now - $0 < Self.patience } ?? false }
            return isTroubled ? "the API server takes no ImageScan from this replica (its log says why)" : nil
        }
    }

    private enum Outcome {
        /// Asked for a moment ago.
        case known
        case new
        case refused(String)
    }

    private func take(_ name: String, _ namespace: String, _ now: Double, _ state: inout State) -> Outcome {
        if let time = state.asked[name], now - time < Self.patience { return .known }
        if state.asked.count >= 5000 { state.asked = state.asked.filter { now - $0.value < Self.patience } }
        if state.buckets.count >= 1000 {
            let full = Double(limits.namespace.burst) * limits.namespace.seconds
            state.buckets = state.buckets.filter { now - $0.value.time < full }
        }
        guard state.asked.count < 5000, state.buckets.count < 10_000 else {
            return .refused("too many scans are asked for")
        }
        var own = Self.filled(state.buckets[namespace], limits.namespace, now)
        var all = Self.filled(state.all, limits.all, now)
        let isRich = own.tokens >= 1 && all.tokens >= 1
        let refusal = own.tokens < 1 ? "the namespace \(namespace) asks for too many" : "too many scans are asked for"
        if isRich {
            own.tokens -= 1
            all.tokens -= 1
            state.asked[name] = now
        }
        state.buckets[namespace] = own
        state.all = all
        return isRich ? .new : .refused(refusal)
    }

    private static func filled(_ bucket: Bucket?, _ limit: (burst: Int, seconds: Double), _ now: Double) -> Bucket {
        guard let bucket else { return Bucket(tokens: Double(limit.burst), time: now) }
        let gained = max(now - bucket.time, 0) / limit.seconds
        return Bucket(tokens: min(bucket.tokens + gained, Double(limit.burst)), time: now)
    }

    /// Makes the objects, one after the other, until the task is cancelled.
    /// - Throws: `CancellationError`.
    package func run() async throws {
        var lastWarning = -Double.infinity
        for await reference in stream {
            guard let client else { continue }
            do {
                _ = try await client.create(ImageScan.resource, namespace: nil, .json(ImageScan.object(reference)))
                state.withLock { $0.trouble = nil }
            } catch let error as KubernetesError where error.code == .conflict {
                // Another replica asked.
                state.withLock { $0.trouble = nil }
            } catch {
                try Task.checkCancellation()
                // Whoever comes next asks again.
                let time = clock()
                state.withLock { state in
                    state.asked[ImageScan.name(of: reference)] = nil
                    state.trouble = time
                }
                guard clock() - lastWarning > 60 else { continue }
                lastWarning = clock()
                logger.warning(
                    "A scan could not be asked for", metadata: ["image": "\(reference)", "reason": "\(error)"])
            }
        }
        try Task.checkCancellation()
    }
}
