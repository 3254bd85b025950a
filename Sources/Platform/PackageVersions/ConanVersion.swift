// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Conan's versions: any number of items, numbers or words, zeros at the end do not count; `-pre` and `+build` compare like
/// versions of their own. A number and a word compare as texts.
enum ConanVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        let (x, y) = (Parts(a), Parts(b))
        let items = itemOrder(x.items, y.items)
        if items != .equal { return items }
        switch (x.prerelease, y.prerelease) {
        case (nil, nil): break
        // Conan lets no build tip the balance between a release and its pre-release.
        case (nil, _): return .greater
        case (_, nil): return .less
        case (let p?, let q?):
            let order = itemOrder(p, q)
            if order != .equal { return order }
        }
        guard let p = x.build, let q = y.build else {
            return VersionOrder(x.build == nil ? 0 : 1, y.build == nil ? 0 : 1)
        }
        return itemOrder(p, q)
    }

    private struct Parts {
        var items: VersionText
        var prerelease, build: VersionText?

        init(_ text: VersionText) {
            items = text
            if let plus = items.lastIndex(of: 0x2B) {
                build = items.part(plus + 1, items.end)
                items = items.part(items.start, plus)
            }
            if let hyphen = items.firstIndex(of: 0x2D) {
                prerelease = items.part(hyphen + 1, items.end)
                items = items.part(items.start, hyphen)
            }
            items = ConanVersion.trimmed(items)
            prerelease = prerelease.map(ConanVersion.trimmed)
            build = build.map(ConanVersion.trimmed)
        }
    }

    private static func trimmed(_ text: VersionText) -> VersionText {
        var text = text
        while !text.isEmpty {
            let start = text.lastIndex(of: 0x2E).map { $0 + 1 } ?? text.start
            let last = text.part(start, text.end)
            guard last.isNumber, last.isZero else { return text }
            text = text.part(text.start, max(start - 1, text.start))
        }
        return text
    }

    private static func itemOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while i < a.end, j < b.end {
            let (k, l) = (end(a, i), end(b, j))
            let (x, y) = (a.part(i, k), b.part(j, l))
            let order = x.isNumber && y.isNumber ? x.numericOrder(y) : x.byteOrder(y)
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
        }
        return VersionOrder(i < a.end ? 1 : 0, j < b.end ? 1 : 0)
        func end(_ text: VersionText, _ from: Int) -> Int {
            var at = from
            while at < text.end, text[at] != 0x2E { at += 1 }
            return at
        }
    }
}
