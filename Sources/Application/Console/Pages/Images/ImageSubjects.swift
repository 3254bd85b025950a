// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What findings of images are about, as pages put it together again: an image has its own page, and what a workload has
/// by the images that it runs (`Deployment images shop/cart` of apps.images.bulwark.dev/v1) stands with the workload.
extension Subject {
    private static let scannedGroup = "images.bulwark.dev"
    private static let scannedWord = " images"

    /// The digest of an image; nil of anything else.
    var imageDigest: String? {
        guard kind == "Image", group == Self.scannedGroup, let at = name.lastIndex(of: "@") else { return nil }
        return String(name[name.index(after: at)...])
    }

    /// The workload as one who runs images.
    var withImages: Subject {
        var copy = self
        copy.apiVersion = (group.isEmpty ? "" : "\(group).") + Self.scannedGroup + "/" + plainVersion
        copy.kind = kind + Self.scannedWord
        return copy
    }

    /// The workload itself, when this is one as one who runs images.
    var withoutImages: Subject {
        guard group == Self.scannedGroup || group.hasSuffix("." + Self.scannedGroup), kind.hasSuffix(Self.scannedWord)
        else { return self }
        var copy = self
        let own = group.dropLast(Self.scannedGroup.utf8.count + (group == Self.scannedGroup ? 0 : 1))
        copy.apiVersion = own.isEmpty ? plainVersion : "\(own)/\(plainVersion)"
        copy.kind = String(kind.dropLast(Self.scannedWord.count))
        return copy
    }

    private var plainVersion: String { apiVersion.split(separator: "/").last.map(String.init) ?? "" }
}
