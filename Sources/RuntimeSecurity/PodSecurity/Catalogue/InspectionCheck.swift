// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// A check of the catalogue with its judge. An object, so that its judge can be asked without being taken hold of.
package final class InspectionCheck: Sendable {
    /// What the judge looks at, and how often it is asked.
    enum Judge: Sendable {
        /// Once for every container.
        case container(@Sendable (Container, Target, InspectionContext) throws(UnreadableField) -> Verdict)
        /// Once for every workload.
        case pod(@Sendable (Target, InspectionContext) throws(UnreadableField) -> Verdict)
        /// Once for every object of these kinds.
        case object([ObjectKind], @Sendable (Target, InspectionContext) throws(UnreadableField) -> Verdict)
    }

    package let check: Check
    let judge: Judge
    package let fix: Fix?

    init(check: Check, judge: Judge, fix: Fix?) {
        self.check = check
        self.judge = judge
        self.fix = fix
    }
}
