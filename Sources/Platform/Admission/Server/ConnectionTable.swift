// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import Synchronization

/// The open connections, at most so many: one more closes the one that has been idle longest, first of those that never
/// asked anything. So idle connections cannot keep an API server out.
final class ConnectionTable: Sendable {
    private struct Entry {
        var channel: any Channel
        var idleSince: NIODeadline?
        var hasAsked = false
    }

    private let limit: Int
    private let metrics: AdmissionMetrics
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limit: Int, metrics: AdmissionMetrics) {
        self.limit = max(limit, 1)
        self.metrics = metrics
    }

    func add(_ channel: any Channel) {
        let (count, victim) = entries.withLock { entries -> (Int, (any Channel)?) in
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, idleSince: .now())
            guard entries.count > limit else { return (entries.count, nil) }
            let idle = entries.filter { $0.value.idleSince != nil }
            let oldest = idle.min { left, right in
                if left.value.hasAsked != right.value.hasAsked { return right.value.hasAsked }
                return (left.value.idleSince ?? .now()) < (right.value.idleSince ?? .now())
            }
            guard let oldest else { return (entries.count, channel) }
            entries[oldest.key] = nil
            return (entries.count, oldest.value.channel)
        }
        metrics.connections(count)
        guard let victim else { return }
        metrics.cut("limit")
        victim.close(promise: nil)
    }

    func remove(_ channel: any Channel) {
        metrics.connections(
            entries.withLock { entries in
                entries[ObjectIdentifier(channel)] = nil
                return entries.count
            })
    }

    func set(_ channel: any Channel, isIdle: Bool) {
        entries.withLock { entries in
            guard entries[ObjectIdentifier(channel)] != nil else { return }
            entries[ObjectIdentifier(channel)]?.idleSince = isIdle ? .now() : nil
            entries[ObjectIdentifier(channel)]?.hasAsked = true
        }
    }
}
