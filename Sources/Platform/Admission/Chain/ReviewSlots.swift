// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How many reviews may run at once, and how many may wait for that: in order, each until its deadline.
final class ReviewSlots: Sendable {
    enum Entrance: Sendable {
        case entered
        /// Call `wait` with this place.
        case waiting(UInt64)
        case refused
    }

    private struct State {
        var running = 0
        /// In order of arrival; a continuation appears once its task really waits.
        var waiting: [(place: UInt64, continuation: CheckedContinuation<Bool, Never>?)] = []
        /// Got a slot, or was cancelled, before it began to wait.
        var settled: [UInt64: Bool] = [:]
        var next: UInt64 = 0
    }

    private let maxRunning: Int
    private let maxWaiting: Int
    private let state = Mutex(State())

    init(running: Int, waiting: Int) {
        maxRunning = max(running, 1)
        maxWaiting = max(waiting, 0)
    }

    var counts: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Takes a slot or a place in the queue.
    func enter() -> Entrance {
        state.withLock { state in
            if state.running < maxRunning {
                state.running += 1
                return .entered
            }
            guard state.waiting.count < maxWaiting else { return .refused }
            state.next += 1
            state.waiting.append((state.next, nil))
            return .waiting(state.next)
        }
    }

    /// Gives the slot to the one that waits longest.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            let first = state.waiting.removeFirst()
            if first.continuation == nil { state.settled[first.place] = true }
            return first.continuation
        }
        next?.resume(returning: true)
    }

    /// Waits for a slot. False when there was none before the deadline; then there is nothing to leave.
    func wait(_ place: UInt64, until deadline: ContinuousClock.Instant) async -> Bool {
        await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await self.slot(place) }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            var hasSlot = false
            for await result in group {
                if let result { hasSlot = result }
                group.cancelAll()
            }
            return hasSlot
        }
    }

    private func slot(_ place: UInt64) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let settled = state.withLock { state -> Bool? in
                    if let settled = state.settled.removeValue(forKey: place) { return settled }
                    guard let index = state.waiting.firstIndex(where: { $0.place == place }) else { return false }
                    state.waiting[index].continuation = continuation
                    return nil
                }
                if let settled { continuation.resume(returning: settled) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiting.firstIndex(where: { $0.place == place }) else { return nil }
                let waiter = state.waiting.remove(at: index)
                if waiter.continuation == nil { state.settled[place] = false }
                return waiter.continuation
            }
            waiter?.resume(returning: false)
        }
    }
}
