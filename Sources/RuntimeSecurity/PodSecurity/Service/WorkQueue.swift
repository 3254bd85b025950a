// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A bounded queue between many senders, who wait while it is full, and one receiver, who takes what is there at once.
final class WorkQueue<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var receiver: CheckedContinuation<Void, Never>?
        var senders: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = capacity }

    /// Adds an item, waiting for room. Throws when the queue is closed.
    func send(_ item: Item) async throws(CancellationError) {
        while true {
            let sent: Bool? = state.withLock { state in
                if state.isClosed { return nil }
                if state.items.count >= capacity { return false }
                state.items.append(item)
                state.receiver?.resume()
                state.receiver = nil
                return true
            }
            guard let sent else { throw CancellationError() }
            if sent { return }
            await withCheckedContinuation { continuation in
                let isFull = state.withLock { state in
                    let isFull = !state.isClosed && state.items.count >= capacity
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
                defer { state.items.removeAll(keepingCapacity: true) }
                for sender in state.senders { sender.resume() }
                state.senders.removeAll()
                return .some(state.items)
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
