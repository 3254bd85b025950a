// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Where registries may lead who asks on the word of others: somebody who names a registry, or whose registry sends us
/// on (a redirect, a token service), must not choose an address that only we can reach.
///
/// | asked | open | private | this machine, link-local, metadata |
/// |---|---|---|---|
/// | a registry | yes | yes | only by name |
/// | where one at an open address leads | yes | only by name | only by name |
/// | where one at a private address leads | yes | yes | only by name |
///
/// "By name" is what an administrator said. The addresses are those that the name has when it is looked up, and again
/// that of the connection, before anything is sent over it.
package struct RegistryReach: Sendable {
    /// Whether an administrator named this host: `registry.example.org`, or with its port.
    package var isNamed: @Sendable (_ host: String) -> Bool
    /// The longest wait for the addresses of a name.
    var lookupTime = Duration.seconds(10)
    /// Stand-ins for tests, which have only addresses of their own.
    var look: @Sendable (_ host: String) -> NetworkZone? = { NetworkZone.of(name: $0) }
    var zone: @Sendable (_ address: [UInt8]) -> NetworkZone = { NetworkZone.of($0) }

    package init(isNamed: @escaping @Sendable (_ host: String) -> Bool) { self.isNamed = isNamed }

    func isNamed(_ host: String, port: Int, isTLS: Bool) -> Bool {
        isNamed("\(host):\(port)") || (port == (isTLS ? 443 : 80) && isNamed(host))
    }

    /// Where the next address may be, after an answer of a host with these zones.
    static func next(after zones: NetworkZone) -> NetworkZone { zones.contains(.open) ? .open : [.open, .inner] }
}

/// Looks up which zones hosts are in, and remembers it for a little while.
final class NetworkZones: Sendable {
    private struct Known {
        var zones: NetworkZone
        var until: ContinuousClock.Instant
    }

    private static let limit = 1000
    private let known = Mutex<[String: Known]>([:])

    /// Nil where the host has no address, or none in time.
    func of(_ host: String, _ reach: RegistryReach) async -> NetworkZone? {
        let now = ContinuousClock.now
        if let kept = known.withLock({ $0[host] }), kept.until > now { return kept.zones }
        guard let zones = await Self.look(host, reach) else { return nil }
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known[host] = Known(zones: zones, until: now + .seconds(30))
        }
        return zones
    }

    /// The system's resolver can be neither cancelled nor hurried: after the time it is no longer waited for.
    private static func look(_ host: String, _ reach: RegistryReach) async -> NetworkZone? {
        await withCheckedContinuation { continuation in
            let waiting = Waiting(continuation)
            DispatchQueue.global().async { waiting.end(reach.look(host)) }
            DispatchQueue.global().asyncAfter(deadline: .now() + reach.lookupTime / .seconds(1)) { waiting.end(nil) }
        }
    }

    private final class Waiting: Sendable {
        private let continuation: Mutex<CheckedContinuation<NetworkZone?, Never>?>

        init(_ continuation: CheckedContinuation<NetworkZone?, Never>) { self.continuation = Mutex(continuation) }

        func end(_ zones: NetworkZone?) {
            let waiter = continuation.withLock { kept in
                defer { kept = nil }
                return kept
            }
            waiter?.resume(returning: zones)
        }
    }
}
