// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Nothing but numbers: of R (`1.2-3`) and Haskell (`1.2.3`). A longer list is greater than its beginning.
enum NumberList {
    static func order(_ a: VersionText, _ b: VersionText, separators: StaticString) throws(VersionError) -> VersionOrder
    {
        try check(a, separators)
        try check(b, separators)
        var (i, j) = (a.start, b.start)
        while i < a.end, j < b.end {
            let (k, l) = (a.endOfDigits(i), b.endOfDigits(j))
            let order = a.part(i, k).numericOrder(b.part(j, l))
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
        }
        return VersionOrder(i < a.end ? 1 : 0, j < b.end ? 1 : 0)
    }

    private static func check(_ text: VersionText, _ separators: StaticString) throws(VersionError) {
        var at = text.start
        while true {
            let end = text.endOfDigits(at)
            guard end > at else { throw text.refused("is no list of numbers") }
            if end == text.end { return }
            let isSeparator = separators.withUTF8Buffer { $0.contains(text[end]) }
            guard isSeparator else { throw text.refused("is no list of numbers") }
            at = end + 1
        }
    }
}
