// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a person or a token may do: a viewer reads, an administrator changes too.
package enum Role: String, Sendable, CaseIterable, Comparable {
    case viewer
    case administrator

    package static func < (left: Role, right: Role) -> Bool { left == .viewer && right == .administrator }
}

/// A person's account. Times are seconds since 1970.
package struct Account: Sendable, Equatable {
    package var id: Int64
    package var name: String
    package var role: Role
    package var created: Int64
    package var lastLogin: Int64?
}

/// Who asks: a person with a session, or a program with a token.
package struct Identity: Sendable {
    package enum Means: Sendable {
        /// The hash of the session's secret, and the token that its forms carry.
        case session(hash: [UInt8], formToken: String)
        case token(id: Int64)
    }

    /// The person, or who made the token.
    package var account: Account
    /// The token's when it is less than the person's.
    package var role: Role
    package var means: Means

    /// What a log line calls it.
    var label: String {
        switch means {
        case .session: account.name
        case .token(let id): "\(account.name) (token \(id))"
        }
    }
}
