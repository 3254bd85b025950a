// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Versions of Java runtimes: `11.0.4+11` (JEP 223) and before it `1.8.0_131-b11`, which is `8.0.131`. Builds do not count; an
/// early access release (`-ea`) comes before.
enum JavaRuntimeVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        let (x, y) = (try Parts(a), try Parts(b))
        var (i, j) = (x.numbers.start, y.numbers.start)
        while i < x.numbers.end || j < y.numbers.end {
            let (k, l) = (x.numbers.endOfDigits(i), y.numbers.endOfDigits(j))
            let order = x.numbers.part(i, k).numericOrder(y.numbers.part(j, l))
            if order != .equal { return order }
            (i, j) = (nextNumber(x.numbers, k), nextNumber(y.numbers, l))
        }
        switch (x.prerelease, y.prerelease) {
        case (nil, nil): return .equal
        case (nil, _): return .greater
        case (_, nil): return .less
        case (let p?, let q?):
            return p.isNumber && q.isNumber ? p.numericOrder(q) : p.byteOrder(q, ignoringCase: true)
        }
    }

    /// One separator stands between numbers, or `-update`.
    private static func nextNumber(_ text: VersionText, _ from: Int) -> Int {
        var at = from
        while at < text.end, !text[at].isDigit { at += 1 }
        return at
    }

    private struct Parts {
        /// With `.`, `_` or `-update` between them.
        var numbers: VersionText
        var prerelease: VersionText?

        init(_ text: VersionText) throws(VersionError) {
            var at = text.start
            if text[at] == 0x31, text[at + 1] == 0x2E, text[at + 2].isDigit { at += 2 }
            let start = at
            at = text.endOfDigits(at)
            guard at > start else { throw text.refused("does not begin with a number") }
            while text[at] == 0x2E || text[at] == 0x5F, text[at + 1].isDigit { at = text.endOfDigits(at + 1) }
            numbers = text.part(start, at)
            if let update = text.part(at, text.end).updateNumber {
                numbers = text.part(start, update.end)
                at = update.end
            }
            if text[at] == 0x2D {
                let from = at + 1
                at = from
                while text[at].isAlphanumeric { at += 1 }
                let word = text.part(from, at)
                let isBuild = word.first.lowered == 0x62 && word.dropping(1).isNumber
                if !isBuild, !word.isEmpty { prerelease = word }
            }
            guard at == text.end || text[at] == 0x2B || text[at] == 0x2D || text[at] == 0x2E else {
                throw text.refused("is no version of Java")
            }
        }
    }
}

extension VersionText {
    /// The number of `-update131` or `-update_131`.
    fileprivate var updateNumber: VersionText? {
        guard has("-update", at: start) else { return nil }
        let from = self[start + 7] == 0x5F ? start + 8 : start + 7
        let end = endOfDigits(from)
        return end > from ? part(from, end) : nil
    }
}
