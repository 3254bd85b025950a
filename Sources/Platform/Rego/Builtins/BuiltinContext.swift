// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What functions may see of the world during one evaluation.
package final class BuiltinContext {
    /// Nanoseconds since 1970, fixed for the evaluation.
    package let now: Int
    /// Seeds `rand.intn` and `uuid.rfc4122`: equal keys give equal answers within one evaluation.
    package let seed: UInt64
    /// `opa.runtime()`.
    package let runtime: Value
    /// What `trace` and `print` said, in order; bounded.
    package var notes: [String] = []
    /// Counts down what functions produce (bytes, elements), so that one call cannot exhaust memory.
    package var budget: Int
    /// Called from time to time by functions that take long; throws when the deadline is over.
    package var checkpoint: () throws -> Void = {}

    package init(now: Int, seed: UInt64 = 0, runtime: Value = .emptyObject, budget: Int = 64 << 20) {
        self.now = now
        self.seed = seed
        self.runtime = runtime
        self.budget = budget
    }

    private var untilCheckpoint = 1024

    /// Takes `amount` from the budget, or throws; looks at the clock from time to time.
    package func spend(_ amount: Int) throws {
        budget -= amount
        untilCheckpoint -= 1
        if untilCheckpoint < 0 {
            untilCheckpoint = 1024
            try checkpoint()
        }
        if budget < 0 { throw RegoError(.limit, "memory budget of the evaluation is used up") }
    }
}
