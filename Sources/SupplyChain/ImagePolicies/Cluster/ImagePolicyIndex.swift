// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Synchronization

/// What is known of a cluster's image policies and scans now: read by every review, written by whoever watches.
package final class ImagePolicyIndex: Sendable {
    /// One moment, for one review.
    package struct Moment: Sendable {
        /// Those that are switched on, by name; unreadable ones too.
        package var policies: [ImagePolicy]
        /// Of the namespace that was asked for; nil when it is not known (yet).
        package var labels: [String: String]?

        /// Whether the labels of namespaces decide anything.
        package var usesLabels: Bool { policies.contains { $0.namespaces?.selector != nil } }
    }

    /// A policy that could not be read.
    package struct Problem: Sendable, Equatable {
        package var name: String
        /// With the field's path.
        package var message: String
        /// Whether the version before it still counts.
        package var keepsLast: Bool
    }

    private enum Scan {
        case verdict(ImageVerdict)
        case unreadable(String)
    }

    private struct Waiter {
        var id: UInt64
        var reference: ScannedReference
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var policies: [String: ImagePolicy] = [:]
        var problems: [String: Problem] = [:]
        /// Sorted, and switched on.
        var active: [ImagePolicy] = []
        var labels: [String: [String: String]] = [:]
        /// By the name of the object.
        var scans: [String: Scan] = [:]
        /// Names of the scans with a result for a digest: content is the same under every name.
        var byDigest: [String: Set<String>] = [:]
        var withoutResult = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var holding: [String: Int] = [:]
        var holds = ImageHolds()
        var waitsFor: String? = "image policies have not been read yet"
    }

    private let state = Mutex(State())

    package init() {}

    package func moment(namespace: String) -> Moment {
        state.withLock { Moment(policies: $0.active, labels: $0.labels[namespace]) }
    }

    /// All policies, by name.
    package var policies: [ImagePolicy] {
        state.withLock { $0.policies.values.sorted { $0.name < $1.name } }
    }

    package var problems: [Problem] { state.withLock { $0.problems.values.sorted { $0.name < $1.name } } }

    /// What is still unknown, in words; nil once everything was read at least once.
    package var waitsFor: String? { state.withLock { $0.waitsFor } }

    /// How many scans there are, and how many of them have no result yet.
    package var counts: (scans: Int, withoutResult: Int) {
        state.withLock { ($0.scans.count, $0.withoutResult) }
    }

    /// Scans that cannot be read, by name, each with why; the first `limit`, and how many there are.
    package func unreadableScans(limit: Int) -> (total: Int, first: [(name: String, message: String)]) {
        state.withLock { state in
            let all = state.scans.compactMap { name, scan -> (name: String, message: String)? in
                if case .unreadable(let why) = scan { (name, why) } else { nil }
            }
            return (all.count, Array(all.sorted { $0.name < $1.name }.prefix(limit)))
        }
    }

    package func knowledge(of reference: ScannedReference) -> ImageKnowledge {
        state.withLock { Self.knowledge(of: reference, $0) }
    }

    private static func knowledge(of reference: ScannedReference, _ state: State) -> ImageKnowledge {
        var own = ImageKnowledge.missing
        switch state.scans[ImageScan.name(of: reference.text)] {
        case .unreadable(let why): return .unreadable(why)
        // Two references with one name: nobody can tell whose the result is.
        case .verdict(let verdict) where verdict.reference != reference.text:
            return .unreadable("it is for another image")
        case .verdict(let verdict) where verdict.hasResult: return .result(verdict)
        case .verdict(let verdict): own = verdict.phase == .failed ? .failed(verdict.message) : .waiting(verdict.phase)
        case nil: break
        }
        if let digest = reference.digest, let name = state.byDigest[digest]?.min(),
            case .verdict(let verdict)? = state.scans[name]
        {
            return .result(verdict)
        }
        return own
    }

    // MARK: Waiting

    /// Reviews that are held at once: in all, and for one namespace. Others are answered at once.
    static let (maxHolding, maxHoldingOfNamespace) = (32, 8)

    /// Takes a place for a review that is to be held; false when there is none. Give it back with `endHold`.
    func beginHold(_ namespace: String) -> Bool {
        state.withLock { state in
            let own = state.holding[namespace] ?? 0
            guard own < Self.maxHoldingOfNamespace, state.holds.now < Self.maxHolding else { return false }
            state.holding[namespace] = own + 1
            state.holds.now += 1
            return true
        }
    }

    func endHold(_ namespace: String) {
        state.withLock { state in
            guard let own = state.holding[namespace] else { return }
            state.holding[namespace] = own > 1 ? own - 1 : nil
            state.holds.now -= 1
        }
    }

    /// Counts a review that was held, once it is known what came of it.
    func held(_ outcome: ImageHolds.Outcome, for time: Duration) {
        state.withLock { $0.holds.end(outcome, after: time) }
    }

    package var holds: ImageHolds { state.withLock { $0.holds } }

    /// Waits until more cannot be hoped for (a result, a failure) or the deadline comes or the task is cancelled.
    func wait(for reference: ScannedReference, until deadline: ContinuousClock.Instant) async -> ImageKnowledge {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.settled(reference) }
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            await group.next()
            group.cancelAll()
        }
        return knowledge(of: reference)
    }

    private func settled(_ reference: ScannedReference) async {
        let id = state.withLock { state -> UInt64 in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool in
                    if Task.isCancelled || !Self.knowledge(of: reference, state).isOpen { return true }
                    state.waiters.append(Waiter(id: id, reference: reference, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume()
        }
    }

    // MARK: Changes

    package func wait(for reason: String?) { state.withLock { $0.waitsFor = reason } }

    /// Returns what is wrong with it; nil when it can be read.
    @discardableResult
    package func put(policy node: Node, name: String) -> Problem? {
        let read = Result { () throws(ImagePolicyError) in try ImagePolicy(node) }
        return state.withLock { state in
            switch read {
            case .success(let policy):
                state.policies[name] = policy
                state.problems[name] = nil
            case .failure(let error):
                // The last good version counts on; without one nothing can be judged where this policy counts.
                let last = state.policies[name]
                let keepsLast = last != nil && last?.problem == nil
                state.problems[name] = Problem(name: name, message: error.message, keepsLast: keepsLast)
                if !keepsLast {
                    state.policies[name] = ImagePolicy(unreadable: node, name: name, problem: error.message)
                }
            }
            state.active = Self.active(state.policies)
            return state.problems[name]
        }
    }

    package func remove(policy name: String) {
        state.withLock { state in
            state.policies[name] = nil
            state.problems[name] = nil
            state.active = Self.active(state.policies)
        }
    }

    private static func active(_ policies: [String: ImagePolicy]) -> [ImagePolicy] {
        policies.values.filter(\.isEnabled).sorted { $0.name < $1.name }
    }

    /// Returns what is wrong with it; nil when it can be read.
    @discardableResult
    package func put(scan node: Node, name: String) -> String? {
        let read = Result { () throws(ImagePolicyError) in try ImageScan.verdict(of: node) }
        return change(name) {
            switch read {
            case .success(let verdict): return (.verdict(verdict), nil)
            case .failure(let error): return (.unreadable(error.message), error.message)
            }
        }
    }

    package func remove(scan name: String) { _ = change(name) { (nil, nil) } }

    private func change(_ name: String, _ make: () -> (Scan?, String?)) -> String? {
        let (scan, problem) = make()
        let settled = state.withLock { state -> [Waiter] in
            if case .verdict(let old)? = state.scans[name] {
                if !old.hasResult { state.withoutResult -= 1 }
                state.byDigest[old.digest]?.remove(name)
                if state.byDigest[old.digest]?.isEmpty == true { state.byDigest[old.digest] = nil }
            }
            state.scans[name] = scan
            if case .verdict(let new)? = scan {
                if new.hasResult {
                    state.byDigest[new.digest, default: []].insert(name)
                } else {
                    state.withoutResult += 1
                }
            }
            if state.waiters.isEmpty { return [] }
            let settled = state.waiters.filter { !Self.knowledge(of: $0.reference, state).isOpen }
            let ids = Set(settled.map(\.id))
            state.waiters.removeAll { ids.contains($0.id) }
            return settled
        }
        for waiter in settled { waiter.continuation.resume() }
        return problem
    }

    /// - Parameter labels: nil when the namespace is gone.
    package func put(namespace: String, labels: [String: String]?) {
        state.withLock { $0.labels[namespace] = labels }
    }
}
