// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A package whose upgrade mends something, and what it mends: what to do about an image, most useful first.
struct ImageUpgrade: Sendable, Equatable {
    var package: String
    var version: String
    /// The versions that advisories name, without repetition, in the order of the worst vulnerability first.
    var fixed: [String]
    var counts: [Severity: Int]

    /// Without those that are excepted or that no version mends. Most of the worst severity first.
    static func of(_ vulnerabilities: [ImageDetail.Vulnerability]) -> [ImageUpgrade] {
        struct Key: Hashable { var package, version: String }
        var places: [Key: Int] = [:]
        var upgrades: [ImageUpgrade] = []
        var seen: Set<[String]> = []
        for found in vulnerabilities where found.exception.isEmpty && !found.fixedVersion.isEmpty {
            // A package that lies in several places has a vulnerability once.
            guard seen.insert([found.package, found.version, found.id]).inserted else { continue }
            let key = Key(package: found.package, version: found.version)
            let place = places[key] ?? upgrades.count
            if place == upgrades.count {
                places[key] = place
                upgrades.append(.init(package: found.package, version: found.version, fixed: [], counts: [:]))
            }
            upgrades[place].counts[found.severity, default: 0] += 1
            if !upgrades[place].fixed.contains(found.fixedVersion) { upgrades[place].fixed.append(found.fixedVersion) }
        }
        return upgrades.sorted { left, right in
            for severity in Severity.allCases.reversed() {
                let (mine, theirs) = (left.counts[severity] ?? 0, right.counts[severity] ?? 0)
                if mine != theirs { return mine > theirs }
            }
            return (left.package, left.version) < (right.package, right.version)
        }
    }

    var value: PageValue {
        let total = counts.values.reduce(0, +)
        return [
            "package": .text(package), "version": .text(version), "counts": WorkloadPage.counts(counts),
            "fixed": .list(fixed.prefix(4).map { ["to": .text($0)] }),
            // Which of them is the newest only the package's own rules tell.
            "several": .flag(fixed.count > 1), "more": fixed.count > 4 ? .number(fixed.count - 4) : .none,
            "mends": .text(Words.plural(total, "vulnerability", "vulnerabilities")),
        ]
    }
}
