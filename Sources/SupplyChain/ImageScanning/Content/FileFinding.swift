// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Malware
import Secrets

/// Something bad that one file of a layer holds.
package struct FileFinding<Match: Sendable & Hashable>: Sendable, Hashable {
    package var match: Match
    /// Index of the layer that brought the file; nil outside images.
    package var layer: Int?
    /// Whether a higher layer hides the file. Whoever has the image has its lower layers too: a credential in one is lost
    /// all the same.
    package var fate: Shadow.Fate

    package init(match: Match, layer: Int?, fate: Shadow.Fate) {
        self.match = match
        self.layer = layer
        self.fate = fate
    }

    /// `in layer 2, deleted later`; empty for what is there.
    package var fateText: String {
        let place = layer.map { "in layer \($0), " } ?? ""
        return switch fate {
        case .visible: ""
        case .replaced: place + "replaced later"
        case .deleted: place + "deleted later"
        }
    }
}
