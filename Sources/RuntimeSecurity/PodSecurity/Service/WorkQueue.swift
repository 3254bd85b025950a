// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A bounded queue between many senders, who wait while it is full, and one receiver, who takes what is there at once.
/// Items have weights; one that is heavier than the whole capacity goes alone.
final class WorkQueue<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var weight = 0
        var receiver: CheckedContinuation<Void, Never>?
        var senders: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let capacity: Int
    private let weight: @Sendable (Item) -> Int
    private let state = Mutex(State())

    init(capacity: Int, weight: @escaping @Sendable (Item) -> Int) {
        self.capacity = capacity
        self.weight = weight
    }

    /// Adds an item, waiting for room. Throws when the queue is closed.
    func send(_ item: Item) async throws(CancellationError) {
        let weight = weight(item)
        while true {
            let sent: Bool? = state.withLock { state in
                if state.isClosed { return nil }
                if !state.items.isEmpty, state.weight + weight > capacity { return false }
                state.items.append(item)
                state.weight += weight
                state.receiver?.resume()
                state.receiver = nil
                return true
            }
            guard let sent else { throw CancellationError() }
            if sent { return }
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    let isFull = !state.isClosed && !state.items.isEmpty && state.weight + weight > capacity
                    if isFull { state.senders.append(continuation) }
                    return isFull
                }
                if !isFull { continuation.resume() }
            }
        }
    }

    /// Everything that is there, waiting for the first item; nil when the queue is closed and empty.
    func receive() async -> [Item]? {
        while true {
            let taken: [Item]?? = state.withLock { state in
                if state.items.isEmpty { return state.isClosed ? .some(nil) : .none }
                return .some(take(&state))
            }
            if let taken { return taken }
            await withCheckedContinuation { continuation in
                let isIdle = state.withLock { state in
                    let isIdle = state.items.isEmpty && !state.isClosed
                    if isIdle { state.receiver = continuation }
                    return isIdle
                }
                if !isIdle { continuation.resume() }
            }
        }
    }

    /// What is there, without waiting.
    func drain() -> [Item] { state.withLock { take(&$0) } }

    private func take(_ state: inout State) -> [Item] {
        defer {
            state.items.removeAll(keepingCapacity: true)
            state.weight = 0
        }
        for sender in state.senders { sender.resume() }
        state.senders.removeAll()
        return state.items
    }

    /// Wakes everybody; what is in the queue can still be received.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.receiver?.resume()
            state.receiver = nil
            for sender in state.senders { sender.resume() }
            state.senders.removeAll()
        }
    }
}

/// Something that one task waits for once.
final class Gate: Sendable {
    private struct State {
        var isDone: Bool?
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let state = Mutex(State())

    /// Lets the waiter go, with whether what it waits for was done. Only the first call counts.
    func open(_ isDone: Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard state.isDone == nil else { return nil }
            state.isDone = isDone
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: isDone)
    }

    func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool? in
                if state.isDone == nil { state.waiter = continuation }
                return state.isDone
            }
            if let isDone { continuation.resume(returning: isDone) }
        }
    }
}
