// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// How bad a problem is. Raw values are OCSF's `severity_id`, so they compare and travel.
public enum Severity: Int, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    case unknown = 0
    case informational = 1
    case low = 2
    case medium = 3
    case high = 4
    case critical = 5

    /// Accepts the name in any case, and `info`.
    public init?(name: String) {
        let lower = name.lowercased()
        guard
            let found = Self.allCases.first(where: {
                $0.description == lower || (lower == "info" && $0 == .informational)
            })
        else { return nil }
        self = found
    }

    /// The name in small letters.
    public var description: String {
        switch self {
        case .unknown: "unknown"
        case .informational: "informational"
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        case .critical: "critical"
        }
    }

    /// Orders by how bad it is.
    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
}
