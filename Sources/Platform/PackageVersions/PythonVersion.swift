// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// PEP 440, and for what PEP 440 refuses the order of setuptools before it: older than any proper version.
enum PythonVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        switch (Parts(a), Parts(b)) {
        case (nil, nil): LegacyPythonVersion.order(a, b)
        case (nil, _): .less
        case (_, nil): .greater
        case (let x?, let y?): order(x, y)
        }
    }

    /// The version without its local part.
    static func publicPart(_ text: VersionText) -> VersionText {
        guard let plus = text.firstIndex(of: 0x2B), Parts(text) != nil else { return text }
        return text.part(text.start, plus)
    }

    private static func order(_ a: Parts, _ b: Parts) -> VersionOrder {
        var order = a.epoch.numericOrder(b.epoch)
        if order != .equal { return order }
        order = releaseOrder(a.release, b.release)
        if order != .equal { return order }
        order = VersionOrder(a.preRank, b.preRank)
        if order != .equal { return order }
        order = a.preNumber.numericOrder(b.preNumber)
        if order != .equal { return order }
        order = optionalOrder(a.post, b.post, missing: .less)
        if order != .equal { return order }
        order = optionalOrder(a.dev, b.dev, missing: .greater)
        return order != .equal ? order : localOrder(a.local, b.local)
    }

    private static func optionalOrder(_ a: VersionText?, _ b: VersionText?, missing: VersionOrder) -> VersionOrder {
        switch (a, b) {
        case (nil, nil): .equal
        case (nil, _): missing
        case (_, nil): missing.reversed
        case (let x?, let y?): x.numericOrder(y)
        }
    }

    private static func releaseOrder(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        var (i, j) = (a.start, b.start)
        while i < a.end || j < b.end {
            let (k, l) = (a.endOfDigits(i), b.endOfDigits(j))
            let order = a.part(i, k).numericOrder(b.part(j, l))
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
        }
        return .equal
    }

    /// Numbers are greater than words, and more parts greater than fewer.
    private static func localOrder(_ a: VersionText?, _ b: VersionText?) -> VersionOrder {
        guard let a, let b else { return VersionOrder(a == nil ? 0 : 1, b == nil ? 0 : 1) }
        var (i, j) = (a.start, b.start)
        while i < a.end, j < b.end {
            let (k, l) = (end(a, i), end(b, j))
            let (x, y) = (a.part(i, k), b.part(j, l))
            let order: VersionOrder =
                switch (x.isNumber, y.isNumber) {
                case (true, true): x.numericOrder(y)
                case (true, false): .greater
                case (false, true): .less
                case (false, false): x.byteOrder(y, ignoringCase: true)
                }
            if order != .equal { return order }
            (i, j) = (k + 1, l + 1)
        }
        return VersionOrder(i < a.end ? 1 : 0, j < b.end ? 1 : 0)
        func end(_ text: VersionText, _ from: Int) -> Int {
            var at = from
            while text[at].isAlphanumeric { at += 1 }
            return at
        }
    }

    private struct Parts {
        var epoch, release, preNumber: VersionText
        var post, dev, local: VersionText?
        /// -1 for a development release of the final one, 0 alpha, 1 beta, 2 candidate, 3 for none.
        var preRank = 3

        /// nil for what is no version of PEP 440 (its appendix B has the expression).
        init?(_ text: VersionText) {
            var at = text.start
            if text[at].lowered == 0x76 { at += 1 }
            var end = text.endOfDigits(at)
            epoch = text.part(at, at)
            if text[end] == 0x21, end > at {
                epoch = text.part(at, end)
                at = end + 1
                end = text.endOfDigits(at)
            }
            guard end > at else { return nil }
            let start = at
            while text[end] == 0x2E, text[end + 1].isDigit { end = text.endOfDigits(end + 1) }
            release = text.part(start, end)
            at = end
            preNumber = text.part(at, at)
            let pres: [(StaticString, Int)] = [
                ("alpha", 0), ("a", 0), ("beta", 1), ("b", 1), ("preview", 2), ("pre", 2), ("c", 2), ("rc", 2),
            ]
            if let (rank, number) = Self.labelled(text, at, pres) {
                (preRank, preNumber, at) = (rank, number, number.end)
            }
            if text[at] == 0x2D, text[at + 1].isDigit {
                let number = text.part(at + 1, text.endOfDigits(at + 1))
                (post, at) = (number, number.end)
            } else if let (_, number) = Self.labelled(text, at, [("post", 0), ("rev", 0), ("r", 0)]) {
                (post, at) = (number, number.end)
            }
            if let (_, number) = Self.labelled(text, at, [("dev", 0)]) {
                (dev, at) = (number, number.end)
            }
            if preRank == 3, post == nil, dev != nil { preRank = -1 }
            if text[at] == 0x2B {
                let start = at + 1
                repeat {
                    let from = at + 1
                    at = from
                    while text[at].isAlphanumeric { at += 1 }
                    guard at > from else { return nil }
                } while Self.isSeparator(text[at])
                local = text.part(start, at)
            }
            guard at == text.end else { return nil }
        }

        private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x2E || byte == 0x2D || byte == 0x5F }

        /// `[separator]word[separator][number]`; the number is empty where there is none.
        private static func labelled(
            _ text: VersionText, _ from: Int, _ words: [(StaticString, Int)]
        ) -> (Int, VersionText)? {
            let at = isSeparator(text[from]) ? from + 1 : from
            guard text[at].isLetter else { return nil }
            for (word, rank) in words where text.has(word, at: at) {
                let end = at + word.utf8CodeUnitCount
                let separated = isSeparator(text[end]) ? end + 1 : end
                return (rank, text.part(separated, text.endOfDigits(separated)))
            }
            return nil
        }
    }
}
