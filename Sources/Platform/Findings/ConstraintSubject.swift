// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What findings of constraints are about: an object under the cluster's constraints, apart from the object itself, which
/// inspection judges. `Deployment shop/cart` of apps/v1 is `Deployment constraints shop/cart` of
/// apps.constraints.bulwark.dev/v1, so that each judge replaces only what it found itself.
extension Subject {
    package static let constraintsGroup = "constraints.bulwark.dev"
    static let constraintsWord = " constraints"

    package var underConstraints: Subject {
        var copy = self
        copy.apiVersion = (group.isEmpty ? "" : "\(group).") + Self.constraintsGroup + "/" + version
        copy.kind = kind + Self.constraintsWord
        return copy
    }

    /// The object itself; nil when this is no subject of constraints.
    package var constrained: Subject? {
        guard group.hasSuffix(Self.constraintsGroup), kind.hasSuffix(Self.constraintsWord) else { return nil }
        var copy = self
        let own = group.dropLast(Self.constraintsGroup.utf8.count + (group == Self.constraintsGroup ? 0 : 1))
        copy.apiVersion = own.isEmpty ? version : "\(own)/\(version)"
        copy.kind = String(kind.dropLast(Self.constraintsWord.count))
        return copy
    }

    private var version: String { apiVersion.split(separator: "/").last.map(String.init) ?? "" }
}
