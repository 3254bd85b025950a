// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Slows guessing down: attempts are counted by account and by address, and after a few free ones each must wait twice
/// as long as the one before. An attempt counts when it begins, so many at once gain nothing. Kept in memory, bounded.
package final class LoginGuard: Sendable {
    struct Limits: Sendable {
        var freePerAccount = 5
        var freePerAddress = 20
        /// Seconds; the longest wait.
        var longest: Int64 = 300
        /// Seconds without an attempt after which the count is forgotten.
        var memory: Int64 = 3600
        /// Names and addresses remembered.
        var entries = 10_000
    }

    private struct Entry {
        var attempts: Int
        var openAt: Int64
        var last: Int64
    }

    private let limits: Limits
    private let table = Mutex<[String: Entry]>([:])

    package convenience init() { self.init(limits: Limits()) }

    init(limits: Limits) { self.limits = limits }

    /// Begins an attempt: nil to go on, or how many seconds to wait, in which case nothing was counted.
    func begin(account: String, address: String, now: Int64) -> Int64? {
        let keys = [(Self.key(account: account), limits.freePerAccount), ("@" + address, limits.freePerAddress)]
        return table.withLock { table in
            let wait = keys.map { (table[$0.0]?.openAt ?? 0) - now }.max() ?? 0
            if wait > 0 { return wait }
            for (key, free) in keys {
                var entry = table[key] ?? Entry(attempts: 0, openAt: 0, last: now)
                if now - entry.last > limits.memory { entry.attempts = 0 }
                entry.attempts += 1
                entry.last = now
                let excess = entry.attempts - free
                entry.openAt = excess <= 0 ? 0 : now + min(limits.longest, 1 << Int64(min(excess, 20)))
                table[key] = entry
            }
            if table.count > limits.entries { shrink(&table, now: now) }
            return nil
        }
    }

    /// Ends an attempt that was right: the account starts anew; the address gets this attempt back and no more, so that
    /// somebody with an account of their own cannot go on guessing others'.
    func succeeded(account: String, address: String) {
        table.withLock { table in
            table[Self.key(account: account)] = nil
            guard var entry = table["@" + address] else { return }
            entry.attempts -= 1
            entry.openAt = 0
            table["@" + address] = entry.attempts > 0 ? entry : nil
        }
    }

    var count: Int { table.withLock { $0.count } }

    private func shrink(_ table: inout [String: Entry], now: Int64) {
        table = table.filter { now - $0.value.last <= limits.memory }
        guard table.count > limits.entries else { return }
        // The least recent tenth goes.
        let oldest = table.sorted { ($0.value.last, $0.key) < ($1.value.last, $1.key) }
        for (key, _) in oldest.prefix(table.count - limits.entries * 9 / 10) { table[key] = nil }
    }

    /// Names are compared without case; a name longer than any account's is cut, which keeps the table small.
    private static func key(account: String) -> String { "a" + String(account.lowercased().prefix(80)) }
}
