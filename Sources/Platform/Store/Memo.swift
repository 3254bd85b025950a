// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What ledger writes look up over and over, remembered between them. Bounded; always rebuildable from the tables.
struct Memo: Sendable {
    struct ScopeKey: Hashable, Sendable {
        var cluster: Int64
        var group: Substring
        var kind: String
        var namespace: String
    }

    /// An exemption of ours that is in force.
    struct InForce: Sendable {
        var key: Int64
        var exemption: Exemption
    }

    var clusters: [String: Int64] = [:]
    var scopes: [ScopeKey: Int64] = [:]
    /// By identity, which holds while `checks` keeps the object alive.
    var checkKeys: [ObjectIdentifier: Int64] = [:]
    var checks: [Check] = []
    /// Check ids by key.
    var codes: [Int64: String] = [:]
    /// Checks as far as exemptions need them, by key.
    var names: [Int64: Check] = [:]
    /// Running report by cluster, as far as asked.
    var running: [Int64: Int64] = [:]
    /// Ours that are in force; nil until loaded.
    var inForce: [InForce]?
    /// When the next exemption of any source expires.
    var nextExpiry: Int64?
    /// Exemptions of the caller's own file, as last written.
    var foreign: [Exemption: Int64] = [:]
    /// The log stream of the ledger's changes.
    var stream: Int64?

    static let scopeLimit = 20_000
    static let checkLimit = 4_096
    static let foreignLimit = 4_096
}
