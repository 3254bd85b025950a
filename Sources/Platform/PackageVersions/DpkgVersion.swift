// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `[epoch:]upstream[-revision]` as dpkg orders it (Debian Policy 5.6.12, deb-version(7)).
enum DpkgVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        let (x, y) = (try Parts(a), try Parts(b))
        let epochs = x.epoch.numericOrder(y.epoch)
        if epochs != .equal { return epochs }
        let upstream = partOrder(x.upstream, y.upstream)
        return upstream != .equal ? upstream : partOrder(x.revision, y.revision)
    }

    private struct Parts {
        var epoch, upstream, revision: VersionText

        init(_ text: VersionText) throws(VersionError) {
            upstream = text
            epoch = text.part(text.start, text.start)
            if let colon = text.firstIndex(of: 0x3A) {
                epoch = text.part(text.start, colon)
                upstream = text.part(colon + 1, text.end)
                guard epoch.isNumber, epoch.count <= 10 else { throw text.refused("has an epoch that is no number") }
            }
            revision = text.part(text.end, text.end)
            if let hyphen = upstream.lastIndex(of: 0x2D) {
                revision = upstream.part(hyphen + 1, upstream.end)
                upstream = upstream.part(upstream.start, hyphen)
                guard !revision.isEmpty else { throw text.refused("has an empty revision") }
            }
            guard !upstream.isEmpty, text.firstIndex(of: 0x20) == nil else {
                throw text.refused("is no version of dpkg")
            }
        }
    }

    /// What is no number by `weight`, then numbers by their value, in turns.
    private static func partOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while i < a.end || j < b.end {
            while (i < a.end && !a[i].isDigit) || (j < b.end && !b[j].isDigit) {
                let (x, y) = (weight(a[i]), weight(b[j]))
                if x != y { return VersionOrder(x, y) }
                i += 1
                j += 1
            }
            let (k, l) = (a.endOfDigits(i), b.endOfDigits(j))
            let order = a.part(i, k).numericOrder(b.part(j, l))
            if order != .equal { return order }
            (i, j) = (k, l)
        }
        return .equal
    }

    /// A tilde comes before the end, which comes before letters, which come before the rest.
    private static func weight(_ byte: UInt8) -> Int {
        if byte == 0x7E { return -1 }
        if byte == 0 || byte.isDigit { return 0 }
        return byte.isLetter ? Int(byte) : Int(byte) + 256
    }
}
