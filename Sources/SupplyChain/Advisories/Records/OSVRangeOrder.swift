// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PackageVersions

extension OSVRecord.Range {
    /// How the versions of a range are compared; nil where nobody knows.
    static func scheme(isSemantic: Bool, _ ecosystem: AdvisoryEcosystem) -> VersionScheme? {
        guard isSemantic else { return ecosystem.scheme }
        switch ecosystem.scheme {
        case .go: return .go
        case .bitnami: return .bitnami
        default: return .semver
        }
    }

    /// The events in the order of their versions; `introduced: 0` comes before all. False where they cannot be compared.
    func sorted(_ ecosystem: AdvisoryEcosystem) -> ([OSVRecord.Event], Bool) {
        guard let scheme = Self.scheme(isSemantic: isSemantic, ecosystem) else { return (events, false) }
        var isOrdered = true
        func precedes(_ a: OSVRecord.Event, _ b: OSVRecord.Event) -> Bool {
            let (first, second) = (a.isBeginning, b.isBeginning)
            if first || second { return first && !second }
            // A limit of `*` is no limit.
            if a.version == "*" || b.version == "*" { return b.version == "*" && a.version != "*" }
            do throws(VersionError) {
                return try scheme.compare(a.version, b.version) == .less
            } catch {
                isOrdered = false
                return false
            }
        }
        // Insertion keeps the record's order of equal versions; nearly all ranges have two events and are in order.
        var sorted: [OSVRecord.Event] = []
        sorted.reserveCapacity(events.count)
        if events.count > 64 {
            let order = events.indices.sorted {
                precedes(events[$0], events[$1]) || (!precedes(events[$1], events[$0]) && $0 < $1)
            }
            return (order.map { events[$0] }, isOrdered)
        }
        for event in events {
            var at = sorted.count
            while at > 0, precedes(event, sorted[at - 1]) { at -= 1 }
            sorted.insert(event, at: at)
        }
        if events.count == 1, let only = events.first { _ = precedes(only, only) }
        return (sorted, isOrdered)
    }
}

extension OSVRecord.Event {
    var isBeginning: Bool { kind == .introduced && version == "0" }
}
