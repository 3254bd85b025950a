// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Semantic versions (semver.org 2.0.0) and their relatives. Advisories and lock files are sloppier than the specification, so
/// numbers may be missing (they are 0) or more than three, and a word that follows the numbers without a hyphen counts as a
/// pre-release: `1.21rc2`, `1.0.0.beta.2`.
enum SemanticVersion {
    enum Flavour {
        case semver
        /// `v1.2.3+incompatible`, pseudo-versions, and toolchains: `go1.22rc1`, `go1.24.1 X:boringcrypto`.
        case go
        /// At most four numbers; words in any case.
        case nuget
        /// The build counts too.
        case pub
        /// What looks like a pre-release and is a number is a revision of the package and does not count.
        case bitnami
    }

    static func order(_ a: VersionText, _ b: VersionText, _ flavour: Flavour) throws(VersionError) -> VersionOrder {
        let (x, y) = (try Parts(a, flavour), try Parts(b, flavour))
        let numbers = numberOrder(x.numbers, y.numbers)
        if numbers != .equal { return numbers }
        switch (x.prerelease, y.prerelease) {
        case (nil, nil): break
        case (nil, _): return .greater
        case (_, nil): return .less
        case (let p?, let q?):
            let order = identifierOrder(p, x.isDotted, q, y.isDotted, ignoringCase: flavour == .nuget)
            if order != .equal { return order }
        }
        guard flavour == .pub else { return .equal }
        switch (x.build, y.build) {
        case (nil, nil): return .equal
        case (nil, _): return .less
        case (_, nil): return .greater
        case (let p?, let q?): return identifierOrder(p, false, q, false, ignoringCase: false)
        }
    }

    private struct Parts {
        var numbers: VersionText
        var prerelease, build: VersionText?
        /// The pre-release began with a dot, where RubyGems' habits turn the dots before further words into hyphens.
        var isDotted = false

        init(_ whole: VersionText, _ flavour: Flavour) throws(VersionError) {
            var text = whole
            if flavour == .go, text.has("go", at: text.start) {
                text = text.dropping(2)
                // What somebody appended to a toolchain's version says nothing about its age.
                for byte in [UInt8(0x20), 0x2D] {
                    if let at = text.firstIndex(of: byte) { text = text.part(text.start, at) }
                }
            } else if text.first == 0x76 || text.first == 0x56 {
                text = text.dropping(1)
            }
            if let plus = text.firstIndex(of: 0x2B) {
                build = text.part(plus + 1, text.end)
                text = text.part(text.start, plus)
            }
            var at = text.endOfDigits(text.start)
            var count = 1
            guard at > text.start else { throw whole.refused("does not begin with a number") }
            while text[at] == 0x2E, text[at + 1].isDigit {
                at = text.endOfDigits(at + 1)
                count += 1
            }
            guard flavour != .nuget || count <= 4 else { throw whole.refused("has more than four numbers") }
            numbers = text.part(text.start, at)
            for at in text.start..<text.end {
                let byte = text[at]
                guard byte.isAlphanumeric || byte == 0x2E || byte == 0x2D || byte == 0x5F || byte == 0x7E else {
                    throw whole.refused("is no semantic version")
                }
            }
            if at < text.end {
                let byte = text[at]
                isDotted = byte == 0x2E
                if isDotted, !text[at + 1].isLetter {
                    throw whole.refused("is no semantic version")
                }
                prerelease = text.part(byte.isAlphanumeric ? at : at + 1, text.end)
                if flavour == .bitnami, prerelease?.isNumber == true { prerelease = nil }
            }
        }
    }

    private static func numberOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while i < a.end || j < b.end {
            let (k, l) = (a.endOfDigits(i), b.endOfDigits(j))
            let order = a.part(i, k).numericOrder(b.part(j, l))
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
        }
        return .equal
    }

    /// Numbers by value and before words; words by their bytes; fewer before more.
    private static func identifierOrder(
        _ a: VersionText, _ isDotted: Bool, _ b: VersionText, _ otherIsDotted: Bool, ignoringCase: Bool
    ) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while true {
            let (k, l) = (endOfIdentifier(a, i, isDotted), endOfIdentifier(b, j, otherIsDotted))
            let (x, y) = (a.part(i, k), b.part(j, l))
            let order: VersionOrder =
                switch (x.isNumber, y.isNumber) {
                case (true, true): x.numericOrder(y)
                case (true, false): .less
                case (false, true): .greater
                case (false, false): wordOrder(x, y, ignoringCase)
                }
            if order != .equal { return order }
            if k >= a.end || l >= b.end { return VersionOrder(k < a.end ? 1 : 0, l < b.end ? 1 : 0) }
            (i, j) = (k + 1, l + 1)
        }
    }

    private static func endOfIdentifier(_ text: VersionText, _ from: Int, _ isDotted: Bool) -> Int {
        var at = from
        while at < text.end {
            if text[at] == 0x2E {
                let joins =
                    isDotted
                    && (text.has("alpha", at: at + 1) || text.has("beta", at: at + 1) || text.has("rc", at: at + 1))
                if !joins { return at }
            }
            at += 1
        }
        return at
    }

    private static func wordOrder(_ a: VersionText, _ b: VersionText, _ ignoringCase: Bool) -> VersionOrder {
        for offset in 0..<min(a.count, b.count) {
            var (x, y) = (a[a.start + offset], b[b.start + offset])
            if ignoringCase { (x, y) = (x.lowered, y.lowered) }
            if x == 0x2E { x = 0x2D }
            if y == 0x2E { y = 0x2D }
            if x != y { return VersionOrder(x, y) }
        }
        return VersionOrder(a.count, b.count)
    }
}
