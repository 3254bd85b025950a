// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// What changes for who goes from one image to another.
package struct ImageComparison: Sendable {
    package struct Change: Sendable, Hashable {
        package var kind: PackageKind
        package var name: String
        /// Empty for a package that is new.
        package var before: [String]
        /// Empty for a package that is gone.
        package var after: [String]
    }

    /// Vulnerabilities that the first has and the second has not.
    package private(set) var solved: [ImageVulnerability] = []
    /// Those that only the second has.
    package private(set) var added: [ImageVulnerability] = []
    /// Those that both have, as the second has them.
    package private(set) var kept: [ImageVulnerability] = []
    /// Packages that are new, gone, or of another version; by kind and name.
    package private(set) var packages: [Change] = []

    private struct Key: Hashable {
        let id: String
        let kind: PackageKind
        let name: String

        init(_ item: ImageVulnerability) {
            (id, kind, name) = (item.id, item.package.kind, item.package.name)
        }
    }

    package init(from old: ImageReport, to new: ImageReport) {
        let (before, after) = (Self.unique(old.counted), Self.unique(new.counted))
        let (oldKeys, newKeys) = (Set(before.map(Key.init)), Set(after.map(Key.init)))
        solved = before.filter { !newKeys.contains(Key($0)) }
        added = after.filter { !oldKeys.contains(Key($0)) }
        kept = after.filter { oldKeys.contains(Key($0)) }
        packages = Self.changes(old.inventory.packages, new.inventory.packages)
    }

    /// A vulnerability of one package at several places counts once.
    private static func unique(_ list: [ImageVulnerability]) -> [ImageVulnerability] {
        var seen: Set<Key> = []
        return list.filter { seen.insert(Key($0)).inserted }
    }

    private static func changes(_ old: [FoundPackage], _ new: [FoundPackage]) -> [Change] {
        struct Name: Hashable {
            let kind: PackageKind
            let name: String
        }
        func versions(_ packages: [FoundPackage]) -> [Name: Set<String>] {
            packages.reduce(into: [:]) { $0[Name(kind: $1.kind, name: $1.name), default: []].insert($1.version) }
        }
        let (before, after) = (versions(old), versions(new))
        return Set(before.keys).union(after.keys).compactMap { name -> Change? in
            let (left, right) = (before[name] ?? [], after[name] ?? [])
            guard left != right else { return nil }
            return Change(kind: name.kind, name: name.name, before: left.sorted(), after: right.sorted())
        }.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }
}
