// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions
import Synchronization

/// A pattern that is compiled when it is first needed.
final class LazyPattern: Sendable {
    private enum State {
        case waiting
        case done(Pattern?)
    }

    private let text: String
    private let state = Mutex(State.waiting)

    init(_ text: String) { self.text = text }

    /// Nil when it does not compile, which whoever makes one has ruled out.
    var compiled: Pattern? {
        state.withLock { state in
            if case .done(let pattern) = state { return pattern }
            let made: Pattern?
            do throws(PatternError) { made = try Pattern(text) } catch { made = nil }
            state = .done(made)
            return made
        }
    }
}
