// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

extension Subject {
    /// The digest of an image; nil of anything else.
    var imageDigest: String? {
        guard kind == "Image", group == Self.imagesGroup, let at = name.lastIndex(of: "@") else { return nil }
        return String(name[name.index(after: at)...])
    }
}
