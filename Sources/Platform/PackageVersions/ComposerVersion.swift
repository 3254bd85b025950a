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

    /// The order of versions as Composer writes them before it compares: four numbers (`1.0` is `1.0.0.0`), without what
    /// stands behind a plus sign, and with `x` for the end of a branch (`5.4.x-dev` is above all of 5.4).
    /// - Throws: `malformedVersion` for the names of branches, `dev-main`, which have no place among versions.
    static func normalizedOrder(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        var (x, y) = (try Core(a), try Core(b))
        while true {
            let order: VersionOrder
            switch (x.next(), y.next()) {
            case (nil, nil): return Self.order(x.rest, y.rest)
            case (let p?, nil): order = p.order(nil)
            case (nil, let q?): order = q.order(nil).reversed
            case (let p?, let q?): order = p.order(q)
            }
            if order != .equal { return order }
        }
    }

    /// The numbers that a version begins with.
    private struct Core {
        private let text: VersionText
        private var at: Int
        private var isOpen = false

        enum Element {
            case number(VersionText)
            case last

            /// - Parameter other: nil for a number that is not there, which is 0.
            func order(_ other: Element?) -> VersionOrder {
                switch (self, other) {
                case (.last, .last?): .equal
                case (.last, _): .greater
                case (.number, .last?): .less
                case (.number(let text), .number(let other)?): text.numericOrder(other)
                case (.number(let text), nil): text.isZero ? .equal : .greater
                }
            }
        }

        init(_ whole: VersionText) throws(VersionError) {
            text = whole.part(whole.start, whole.firstIndex(of: 0x2B) ?? whole.end)
            at = text.start
            if text.first.lowered == 0x76, text[at + 1].isDigit { at += 1 }
            guard text[at].isDigit else {
                throw VersionError(.malformedVersion, "the name of a branch has no place among versions")
            }
        }

        mutating func next() -> Element? {
            if text[at].isDigit, !isOpen {
                let number = text.part(at, text.endOfDigits(at))
                at = number.end
                if text[at] == 0x2E, text[at + 1].isDigit || isEnd(at + 1) { at += 1 }
                return .number(number)
            }
            guard !isOpen, isEnd(at) else { return nil }
            at += 1
            isOpen = true
            return .last
        }

        /// `x` or `*`, and nothing but a stability behind it.
        private func isEnd(_ at: Int) -> Bool {
            (text[at].lowered == 0x78 || text[at] == 0x2A) && (at + 1 == text.end || text[at + 1] == 0x2D)
        }

        var rest: VersionText { text.part(at, text.end) }
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
