// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// PHP's `version_compare`, which Composer compares with: parts between `.`, `-`, `_`, `+` and changes from digits to others;
/// words in the order any other < dev < alpha < beta < RC < number < pl. Words count in any case, since Composer lowers them first.
enum ComposerVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (x, y) = (Parts(a), Parts(b))
        while true {
            switch (x.next(), y.next()) {
            case (nil, nil): return .equal
            // A word that only one of the two goes on with is compared to a number.
            case (let p?, nil):
                if p.isNumber { return .greater }
                let order = VersionOrder(rank(p), number)
                if order != .equal { return order }
            case (nil, let q?):
                if q.isNumber { return .less }
                let order = VersionOrder(number, rank(q))
                if order != .equal { return order }
            case (let p?, let q?):
                let order =
                    p.isNumber && q.isNumber ? p.numericOrder(q) : VersionOrder(rank(p), rank(q))
                if order != .equal { return order }
            }
        }
    }

    private static let number = 4

    private static func rank(_ part: VersionText) -> Int {
        if part.isNumber || part.first == 0x23 { return number }
        let words: [(StaticString, Int)] = [("dev", 0), ("a", 1), ("b", 2), ("rc", 3), ("p", 5)]
        for (word, rank) in words where part.has(word, at: part.start) { return rank }
        return -1
    }

    private struct Parts {
        private let text: VersionText
        private var at: Int

        init(_ text: VersionText) {
            self.text = text
            at = text.start
            if text.first.lowered == 0x76, text[at + 1].isDigit { at += 1 }
        }

        mutating func next() -> VersionText? {
            while at < text.end, Self.isSeparator(text[at]) { at += 1 }
            guard at < text.end else { return nil }
            let start = at
            if text[at].isDigit {
                at = text.endOfDigits(at)
            } else {
                while at < text.end, !text[at].isDigit, !Self.isSeparator(text[at]) { at += 1 }
            }
            return text.part(start, at)
        }

        private static func isSeparator(_ byte: UInt8) -> Bool {
            byte == 0x2E || byte == 0x2D || byte == 0x5F || byte == 0x2B
        }
    }
}
