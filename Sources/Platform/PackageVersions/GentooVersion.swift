// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `1.2.3b_alpha4_p5-r6` as the Package Manager Specification orders it (PMS 3.2, 3.3).
enum GentooVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        let (x, y) = (try Parts(a), try Parts(b))
        let numbers = numberOrder(x.numbers, y.numbers)
        if numbers != .equal { return numbers }
        if x.letter != y.letter { return VersionOrder(x.letter, y.letter) }
        let suffixes = suffixOrder(x.suffixes, y.suffixes)
        return suffixes != .equal ? suffixes : x.revision.numericOrder(y.revision)
    }

    private struct Parts {
        var numbers, suffixes, revision: VersionText
        /// 0 for none.
        var letter: UInt8 = 0

        init(_ text: VersionText) throws(VersionError) {
            var at = text.endOfDigits(text.start)
            guard at > text.start else { throw text.refused("does not begin with a number") }
            while text[at] == 0x2E, text[at + 1].isDigit { at = text.endOfDigits(at + 1) }
            numbers = text.part(text.start, at)
            if text[at].isLower {
                letter = text[at]
                at += 1
            }
            let start = at
            while let suffix = Suffix(text, at) { at = suffix.number.end }
            suffixes = text.part(start, at)
            revision = text.part(at, at)
            if text[at] == 0x2D, text[at + 1] == 0x72, text[at + 2].isDigit {
                revision = text.part(at + 2, text.endOfDigits(at + 2))
                at = revision.end
            }
            guard at == text.end else { throw text.refused("is no version of Gentoo") }
        }
    }

    private struct Suffix {
        let rank: Int
        let number: VersionText

        init?(_ text: VersionText, _ at: Int) {
            let names: [(StaticString, Int)] = [("alpha", -4), ("beta", -3), ("pre", -2), ("rc", -1), ("p", 1)]
            guard text[at] == 0x5F, text[at + 1].isLower else { return nil }
            for (name, rank) in names where text.has(name, at: at + 1) {
                let end = at + 1 + name.utf8CodeUnitCount
                self.rank = rank
                number = text.part(end, text.endOfDigits(end))
                return
            }
            return nil
        }
    }

    /// The first number by its value; a later one with a leading zero like decimal places.
    private static func numberOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        var isFirst = true
        while i < a.end, j < b.end {
            let (k, l) = (a.endOfDigits(i), b.endOfDigits(j))
            var (x, y) = (a.part(i, k), b.part(j, l))
            var order = VersionOrder.equal
            if !isFirst, x.first == 0x30 || y.first == 0x30 {
                while x[x.end - 1] == 0x30 { x.end -= 1 }
                while y[y.end - 1] == 0x30 { y.end -= 1 }
                order = x.byteOrder(y)
            } else {
                order = x.numericOrder(y)
            }
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
            isFirst = false
        }
        return VersionOrder(i < a.end ? 1 : 0, j < b.end ? 1 : 0)
    }

    private static func suffixOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while true {
            let (x, y) = (Suffix(a, i), Suffix(b, j))
            if x == nil, y == nil { return .equal }
            let order = VersionOrder(x?.rank ?? 0, y?.rank ?? 0)
            guard order == .equal, let x, let y else { return order }
            let numbers = x.number.numericOrder(y.number)
            if numbers != .equal { return numbers }
            (i, j) = (x.number.end, y.number.end)
        }
    }
}
