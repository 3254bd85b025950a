// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Maven's version order specification (maven.apache.org/pom.html): tokens between dots, hyphens and changes from digits to
/// letters; trailing nulls are trimmed before each hyphen; the shorter list is padded;
/// `.word` < `-word` < `-number` < `.number`.
enum MavenVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        if a.byteOrder(b) == .equal { return .equal }
        let (x, y) = (tokens(a), tokens(b))
        for at in 0..<max(x.count, y.count) {
            let order = tokenOrder(at < x.count ? x[at] : nil, at < y.count ? y[at] : nil)
            if order != .equal { return order }
        }
        return .equal
    }

    private struct Token {
        var text: VersionText
        var isNumber: Bool
        /// After a hyphen, or where digits change to letters or back.
        var isHyphenated: Bool
        /// Shorter forms (a, b, m) count only right before a digit.
        var isBeforeDigit = false

        /// Of words; the unknown ones come last, in the order of their letters.
        var rank: Int {
            if isBeforeDigit, text.count == 1 {
                switch text.first.lowered {
                case 0x61: return 0
                case 0x62: return 1
                case 0x6D: return 2
                default: break
                }
            }
            for (word, rank) in Self.known where text.equals(word) { return rank }
            return text.isEmpty ? 5 : 7
        }

        var isNull: Bool { isNumber ? text.isZero : rank == 5 }

        private static let known: [(StaticString, Int)] = [
            ("alpha", 0), ("beta", 1), ("milestone", 2), ("rc", 3), ("cr", 3), ("snapshot", 4), ("ga", 5), ("final", 5),
            ("release", 5), ("sp", 6),
        ]
    }

    private static func tokens(_ text: VersionText) -> [Token] {
        var tokens: [Token] = []
        tokens.reserveCapacity(8)
        func trim() {
            while tokens.count > 1, let last = tokens.last, last.isNull { tokens.removeLast() }
        }
        func add(_ from: Int, _ to: Int, _ isHyphenated: Bool) {
            let part = text.part(from, to)
            let isNumber = part.isEmpty || part.isNumber
            if isHyphenated { trim() }
            tokens.append(
                Token(
                    text: part, isNumber: isNumber, isHyphenated: isHyphenated,
                    isBeforeDigit: !isNumber && text[to].isDigit))
        }
        var (start, at) = (text.start, text.start)
        var isHyphenated = false
        while at < text.end {
            let byte = text[at]
            if byte == 0x2E || byte == 0x2D {
                add(start, at, isHyphenated)
                isHyphenated = byte == 0x2D
                start = at + 1
            } else if at > start, byte.isDigit != text[at - 1].isDigit {
                add(start, at, isHyphenated)
                isHyphenated = true
                start = at
            }
            at += 1
        }
        add(start, text.end, isHyphenated)
        trim()
        return tokens
    }

    private static func tokenOrder(_ a: Token?, _ b: Token?) -> VersionOrder {
        guard let a else { return b.map { tokenOrder($0, nil).reversed } ?? .equal }
        guard let b else {
            // Padded with a null of the same kind and prefix.
            if a.isNumber { return a.text.isZero ? .equal : .greater }
            return VersionOrder(a.rank, 5)
        }
        if a.isNumber, b.isNumber {
            if a.isHyphenated != b.isHyphenated { return a.isHyphenated ? .less : .greater }
            return a.text.numericOrder(b.text)
        }
        if a.isNumber || b.isNumber { return a.isNumber ? .greater : .less }
        if a.isHyphenated != b.isHyphenated { return a.isHyphenated ? .greater : .less }
        let (x, y) = (a.rank, b.rank)
        return x != y || x < 7 ? VersionOrder(x, y) : a.text.byteOrder(b.text, ignoringCase: true)
    }
}
