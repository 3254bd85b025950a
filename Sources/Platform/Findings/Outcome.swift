// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a check said about a subject: PolicyReport's five results.
public enum Outcome: String, Sendable, CaseIterable {
    case pass
    case fail
    case warn
    /// The question could not be answered. Never counted as a pass.
    case error
    /// The check does not apply, or an exemption covers the failure.
    case skip

    /// Whether the outcome is a problem that becomes a finding.
    public var isProblem: Bool { self == .fail || self == .warn || self == .error }
}
