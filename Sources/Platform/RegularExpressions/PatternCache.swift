// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Patterns compiled once and shared; the oldest make room when it is full, since users choose some of them.
package final class PatternCache: Sendable {
    private struct State {
        var patterns: [Key: Result<Pattern, PatternError>] = [:]
        var order: [Key] = []
        var next = 0
    }
    /// Strings that are the same by their bytes: Swift's own equality takes different spellings of a letter for one.
    private struct Key: Hashable {
        let text: String

        static func == (one: Key, two: Key) -> Bool { one.text.utf8.elementsEqual(two.text.utf8) }
        func hash(into hasher: inout Hasher) {
            for byte in text.utf8 { hasher.combine(byte) }
        }
    }
    private let state = Mutex(State())
    private let capacity: Int
    private let maxMemory: Int

    /// At most `capacity` patterns of at most `maxMemory` bytes each.
    package init(capacity: Int = 512, maxMemory: Int = 1 << 20) {
        self.capacity = max(capacity, 1)
        self.maxMemory = maxMemory
    }

    /// One for the whole process.
    package static let shared = PatternCache()

    package func pattern(_ text: String) throws(PatternError) -> Pattern {
        let key = Key(text: text)
        if let known = state.withLock({ $0.patterns[key] }) { return try known.get() }
        let made: Result<Pattern, PatternError>
        do throws(PatternError) { made = .success(try Pattern(text, maxMemory: maxMemory)) } catch {
            made = .failure(error)
        }
        state.withLock { state in
            guard state.patterns.updateValue(made, forKey: key) == nil else { return }
            if state.order.count < capacity {
                state.order.append(key)
            } else {
                state.patterns[state.order[state.next]] = nil
                state.order[state.next] = key
                state.next = (state.next + 1) % capacity
            }
        }
        return try made.get()
    }
}
