// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import OCI

/// How long to wait after failures.
enum RetryTimes {
    /// Seconds after so many failures in a row, doubling, spread by a fifth to both sides.
    /// - Parameter isLasting: whether another try will hardly tell something else.
    static func wait(
        after failures: Int, isLasting: Bool, spread: Double = Double.random(in: 0.8...1.2)
    ) -> Int64 {
        let (base, ceiling): (Double, Double) = isLasting ? (600, 86_400) : (30, 6 * 3_600)
        let doublings = Double(min(max(failures - 1, 0), 20))
        var wait = base
        for _ in 0..<Int(doublings) { wait = min(wait * 2, ceiling) }
        return Int64(wait * spread)
    }
}

extension OCIError {
    /// Whether the image or the answer of the registry is what is wrong, and not the way there.
    var isLasting: Bool {
        switch code {
        case .server, .tooManyRequests, .unreadable, .cancelled, .wrongDigest: false
        case .malformed, .notFound, .ambiguous, .unauthorized, .tooLarge, .unsupported: true
        }
    }

    /// Whether the registry as a whole is to be left alone for a while.
    var concernsRegistry: Bool {
        switch code {
        case .server, .tooManyRequests, .unauthorized: true
        default: false
        }
    }
}

/// Registries that are left alone for a while after they failed.
struct HeldRegistries {
    private struct Held {
        var failures: Int
        /// Seconds since 1970.
        var until: Int64
    }

    private static let limit = 10_000
    private var held: [String: Held] = [:]

    func count(now: Int64) -> Int { held.values.reduce(0) { $0 + ($1.until > now ? 1 : 0) } }

    func until(_ registry: String) -> Int64 { held[registry]?.until ?? 0 }

    /// Longer with each failure in a row; at most five minutes, so that one image cannot keep out the others of a registry.
    mutating func failed(_ registry: String, now: Int64, spread: Double = Double.random(in: 0.8...1.2)) {
        if held.count >= Self.limit { held = held.filter { $0.value.until > now } }
        guard held.count < Self.limit || held[registry] != nil else { return }
        let failures = (held[registry]?.failures ?? 0) + 1
        let wait = Double(min(5 << min(failures - 1, 6), 300)) * spread
        held[registry] = Held(failures: failures, until: now + Int64(wait.rounded()))
    }

    mutating func worked(_ registry: String) { held[registry] = nil }
}
