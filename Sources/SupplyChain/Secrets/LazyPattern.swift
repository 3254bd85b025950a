// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions
import Synchronization

/// A pattern that is compiled when it is first needed.
final class LazyPattern: Sendable {
    private enum State {
        case waiting
        case done(Pattern?)
    }

    /// Bytes for a pattern with the states that texts drive it into: hostile ones fill it, so that all patterns together
    /// stay within some hundred megabytes.
    static let maxMemory = 1 << 20

    private let text: String
    private let state = Mutex(State.waiting)

    init(_ text: String) { self.text = text }

    /// Nil when it does not compile, which whoever makes one has ruled out.
    var compiled: Pattern? {
        state.withLock { state in
            if case .done(let pattern) = state { return pattern }
            let made: Pattern?
            do throws(PatternError) { made = try Pattern(text, maxMemory: Self.maxMemory) } catch { made = nil }
            state = .done(made)
            return made
        }
    }
}
