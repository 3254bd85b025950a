// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `digits{.digits}{letter{digits}}{_suffix{digits}}{~hash}{-r#}` as apk-tools orders it (apk-package(5)). apk also orders what
/// does not follow this: whatever cannot be read makes a version older than what stands before it.
enum ApkVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        var order = numbers(a, &i, b, &j)
        if order != .equal { return order }
        order = letters(a, &i, b, &j)
        if order != .equal { return order }
        order = suffixes(a, &i, b, &j)
        if order != .equal { return order }
        order = hashes(a, &i, b, &j)
        if order != .equal { return order }
        order = VersionOrder(revision(a, i) == nil ? 0 : 1, revision(b, j) == nil ? 0 : 1)
        let (x, y) = (revision(a, i), revision(b, j))
        // A version that breaks off is older than one that has a revision or ends.
        if order != .equal {
            if x == nil, i < a.end { return .less }
            if y == nil, j < b.end { return .greater }
            return order
        }
        if let x, let y {
            order = x.numericOrder(y)
            if order != .equal { return order }
            (i, j) = (x.end, y.end)
        }
        return VersionOrder(j < b.end ? 1 : 0, i < a.end ? 1 : 0)
    }

    private static func numbers(_ a: VersionText, _ i: inout Int, _ b: VersionText, _ j: inout Int) -> VersionOrder {
        var isFirst = true
        while true {
            let (x, y) = (number(a, &i, isFirst), number(b, &j, isFirst))
            switch (x, y) {
            case (nil, nil): return .equal
            // No number is more than an empty one and less than any other.
            case (nil, let y?): return y.isEmpty ? .greater : .less
            case (let x?, nil): return x.isEmpty ? .less : .greater
            case (let x?, let y?):
                if x.isEmpty || y.isEmpty {
                    if x.isEmpty != y.isEmpty { return x.isEmpty ? .less : .greater }
                } else if !isFirst, x.first == 0x30 || y.first == 0x30 {
                    // Like decimal places.
                    let order = x.byteOrder(y)
                    if order != .equal { return order }
                } else {
                    let order = x.numericOrder(y)
                    if order != .equal { return order }
                }
            }
            isFirst = false
        }
    }

    private static func number(_ text: VersionText, _ at: inout Int, _ isFirst: Bool) -> VersionText? {
        if isFirst {
            guard text[at].isDigit || text[at] == 0x2E else { return nil }
        } else {
            guard text[at] == 0x2E else { return nil }
            at += 1
        }
        let start = at
        at = text.endOfDigits(at)
        return text.part(start, at)
    }

    private static func letters(_ a: VersionText, _ i: inout Int, _ b: VersionText, _ j: inout Int) -> VersionOrder {
        let (x, y) = (a[i].isLower ? a[i] : 0, b[j].isLower ? b[j] : 0)
        if x != y {
            // What cannot be read is older than what has no letter.
            return VersionOrder(x, y)
        }
        guard x != 0 else { return .equal }
        let (k, l) = (a.endOfDigits(i + 1), b.endOfDigits(j + 1))
        let order = a.part(i + 1, k).numericOrder(b.part(j + 1, l))
        (i, j) = (k, l)
        return order
    }

    private static func suffixes(_ a: VersionText, _ i: inout Int, _ b: VersionText, _ j: inout Int) -> VersionOrder {
        while true {
            let (x, y) = (Suffix(a, i), Suffix(b, j))
            if x == nil, y == nil { return .equal }
            let order = VersionOrder(x?.rank ?? 0, y?.rank ?? 0)
            if order != .equal {
                // An unknown suffix is older than any that is known.
                if x == nil, a[i] == 0x5F { return .less }
                if y == nil, b[j] == 0x5F { return .greater }
                return order
            }
            guard let x, let y else { return .equal }
            let numbers = x.number.numericOrder(y.number)
            if numbers != .equal { return numbers }
            (i, j) = (x.number.end, y.number.end)
        }
    }

    private struct Suffix {
        /// Below 0: before the release.
        let rank: Int
        let number: VersionText

        init?(_ text: VersionText, _ at: Int) {
            guard text[at] == 0x5F else { return nil }
            let names: [(StaticString, Int)] = [
                ("alpha", -4), ("beta", -3), ("pre", -2), ("rc", -1), ("cvs", 1), ("svn", 2), ("git", 3), ("hg", 4),
                ("p", 5),
            ]
            for (name, rank) in names where text.has(name, at: at + 1) && text[at + 1].isLower {
                let end = at + 1 + name.utf8CodeUnitCount
                if text[end].isLetter { continue }
                self.rank = rank
                number = text.part(end, text.endOfDigits(end))
                return
            }
            return nil
        }
    }

    private static func hashes(_ a: VersionText, _ i: inout Int, _ b: VersionText, _ j: inout Int) -> VersionOrder {
        func hash(_ text: VersionText, _ at: inout Int) -> VersionText? {
            guard text[at] == 0x7E else { return nil }
            let start = at + 1
            at = start
            while text[at].isDigit || (text[at] >= 0x61 && text[at] <= 0x66) { at += 1 }
            return text.part(start, at)
        }
        switch (hash(a, &i), hash(b, &j)) {
        case (nil, nil): return .equal
        case (nil, _): return .less
        case (_, nil): return .greater
        case (let x?, let y?): return x.byteOrder(y)
        }
    }

    /// The number after `-r`, empty for `-r` alone.
    private static func revision(_ text: VersionText, _ at: Int) -> VersionText? {
        guard text[at] == 0x2D, text[at + 1] == 0x72 else { return nil }
        let end = text.endOfDigits(at + 2)
        if end == at + 2, end < text.end, text[end] != 0x2D { return nil }
        return text.part(at + 2, end)
    }
}
