// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// Packages of one kind that nobody publishes advisories for (conda, CocoaPods, Erlang's own applications).
///
/// They are listed and counted, and nothing more can be said of them: no part of the scan failed, and no other data would
/// change it. Kinds that have advisories which are not there are a problem of the report instead.
package struct UnjudgedPackages: Sendable, Hashable {
    package let kind: PackageKind
    package let count: Int

    package var text: String {
        "\(count == 1 ? "1 package of \(kind.rawValue) was" : "\(count) packages of \(kind.rawValue) were") not judged: "
            + "nobody publishes advisories for them"
    }
}

extension ImageReport {
    /// By kind; none where nothing was looked up. What belongs to a package of the distribution is judged with that.
    package var unjudged: [UnjudgedPackages] {
        if advisories == nil { return [] }
        var counts: [PackageKind: Int] = [:]
        for package in inventory.packages where package.owner.isEmpty && !package.kind.hasAdvisories {
            counts[package.kind, default: 0] += 1
        }
        return counts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            UnjudgedPackages(kind: $0.key, count: $0.value)
        }
    }
}
