// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// How a version stands to another.
package enum VersionOrder: Int8, Sendable, Hashable {
    case less = -1
    case equal = 0
    case greater = 1

    /// The answer for the two versions the other way round.
    package var reversed: VersionOrder { self == .less ? .greater : self == .greater ? .less : .equal }

    @inline(__always) init<T: Comparable>(_ a: T, _ b: T) { self = a < b ? .less : b < a ? .greater : .equal }
}
