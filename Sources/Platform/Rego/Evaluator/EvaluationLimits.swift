// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The bounds of one evaluation. Reaching one is an error that names it, never an answer.
package struct EvaluationLimits: Sendable {
    /// Values looked at, calls made, members collected.
    package var steps: Int
    /// Bytes and elements that functions may make.
    package var memory: Int
    /// Rules, functions and closures inside each other.
    package var depth: Int
    /// From the start of the evaluation; nil is none.
    package var time: Duration?

    package init(steps: Int = 20_000_000, memory: Int = 256 << 20, depth: Int = 256, time: Duration? = .seconds(10)) {
        (self.steps, self.memory, self.depth, self.time) = (steps, memory, depth, time)
    }

    package static let standard = EvaluationLimits()
}
