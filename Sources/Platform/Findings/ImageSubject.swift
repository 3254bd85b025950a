// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What findings about the images of a workload are about: the workload as one who runs images, apart from the workload
/// itself, which inspection judges. `Deployment shop/cart` of apps/v1 is `Deployment images shop/cart` of
/// apps.images.bulwark.dev/v1, so that each judge replaces only what it found itself.
extension Subject {
    /// Also the group of images themselves.
    package static let imagesGroup = "images.bulwark.dev"
    static let imagesWord = " images"

    package var runningImages: Subject {
        var copy = self
        let version = apiVersion.split(separator: "/").last.map(String.init) ?? ""
        copy.apiVersion = (group.isEmpty ? "" : "\(group).") + Self.imagesGroup + "/" + version
        copy.kind = kind + Self.imagesWord
        return copy
    }

    /// The workload itself; nil when this is no workload as one who runs images.
    package var imageRunner: Subject? {
        guard group == Self.imagesGroup || group.hasSuffix("." + Self.imagesGroup), kind.hasSuffix(Self.imagesWord)
        else { return nil }
        var copy = self
        let own = group.dropLast(Self.imagesGroup.utf8.count + (group == Self.imagesGroup ? 0 : 1))
        let version = apiVersion.split(separator: "/").last.map(String.init) ?? ""
        copy.apiVersion = own.isEmpty ? version : "\(own)/\(version)"
        copy.kind = String(kind.dropLast(Self.imagesWord.count))
        return copy
    }
}
