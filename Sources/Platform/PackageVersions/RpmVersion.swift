// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `[epoch:]version[-release]` as rpm orders it: epochs by number, the rest segment by segment (rpm-version(7)).
enum RpmVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        let (x, y) = (EpochVersionRelease(a), EpochVersionRelease(b))
        let epochs = x.epoch.numericOrder(y.epoch)
        if epochs != .equal { return epochs }
        let versions = segmentOrder(x.version, y.version)
        if versions != .equal { return versions }
        switch (x.release, y.release) {
        case (nil, nil): return .equal
        case (nil, _): return .less
        case (_, nil): return .greater
        case (let x?, let y?): return segmentOrder(x, y)
        }
    }

    static func segmentOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while i < a.end || j < b.end {
            while i < a.end, !a[i].isAlphanumeric, a[i] != 0x7E, a[i] != 0x5E { i += 1 }
            while j < b.end, !b[j].isAlphanumeric, b[j] != 0x7E, b[j] != 0x5E { j += 1 }
            // ~ comes before everything, the end included.
            if a[i] == 0x7E || b[j] == 0x7E {
                if a[i] != 0x7E { return .greater }
                if b[j] != 0x7E { return .less }
                i += 1
                j += 1
                continue
            }
            // ^ comes after the end and before everything else.
            if a[i] == 0x5E || b[j] == 0x5E {
                if i >= a.end { return .less }
                if j >= b.end { return .greater }
                if a[i] != 0x5E { return .greater }
                if b[j] != 0x5E { return .less }
                i += 1
                j += 1
                continue
            }
            if i >= a.end || j >= b.end { break }
            let (x, y, order) = segment(a, i, b, j)
            if order != .equal { return order }
            (i, j) = (x, y)
        }
        return VersionOrder(i < a.end ? 1 : 0, j < b.end ? 1 : 0)
    }

    /// Compares the numbers, or words, that begin at two places, and gives their ends. A number beats a word.
    static func segment(_ a: VersionText, _ i: Int, _ b: VersionText, _ j: Int) -> (Int, Int, VersionOrder) {
        if a[i].isDigit {
            guard b[j].isDigit else { return (i, j, .greater) }
            let (x, y) = (a.endOfDigits(i), b.endOfDigits(j))
            return (x, y, a.part(i, x).numericOrder(b.part(j, y)))
        }
        guard b[j].isLetter else { return (i, j, .less) }
        var (x, y) = (i, j)
        while a[x].isLetter { x += 1 }
        while b[y].isLetter { y += 1 }
        return (x, y, a.part(i, x).byteOrder(b.part(j, y)))
    }
}

/// What stands before a colon is an epoch only if it is a number.
struct EpochVersionRelease {
    var epoch, version: VersionText
    var release: VersionText?

    init(_ text: VersionText) {
        epoch = text.part(text.start, text.start)
        version = text
        let digits = text.endOfDigits(text.start)
        if text[digits] == 0x3A {
            epoch = text.part(text.start, digits)
            version = text.part(digits + 1, text.end)
        }
        if let hyphen = version.lastIndex(of: 0x2D) {
            release = version.part(hyphen + 1, version.end)
            version = version.part(version.start, hyphen)
        }
    }
}

/// `[epoch:]version[-release]` as pacman orders it (vercmp(8)): `1.0a` comes before `1.0`, and a release that only one of
/// the two has does not count.
enum AlpmVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        let (x, y) = (EpochVersionRelease(a), EpochVersionRelease(b))
        let epochs = segmentOrder(x.epoch, y.epoch)
        if epochs != .equal { return epochs }
        let versions = segmentOrder(x.version, y.version)
        guard versions == .equal, let x = x.release, let y = y.release else { return versions }
        return segmentOrder(x, y)
    }

    private static func segmentOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        if a.byteOrder(b) == .equal { return .equal }
        if a.isNumber || a.isEmpty, b.isNumber || b.isEmpty, a.isEmpty != b.isEmpty { return a.numericOrder(b) }
        var (i, j) = (a.start, b.start)
        while i < a.end && j < b.end {
            let (from, other) = (i, j)
            while i < a.end, !a[i].isAlphanumeric { i += 1 }
            while j < b.end, !b[j].isAlphanumeric { j += 1 }
            if i >= a.end || j >= b.end { break }
            if i - from != j - other { return VersionOrder(i - from, j - other) }
            let (x, y, order) = RpmVersion.segment(a, i, b, j)
            if order != .equal { return order }
            (i, j) = (x, y)
        }
        if i >= a.end && j >= b.end { return .equal }
        // A word that is left over makes a version older, anything else newer.
        if a[i].isLetter { return .less }
        if b[j].isLetter { return .greater }
        return i >= a.end ? .less : .greater
    }
}
