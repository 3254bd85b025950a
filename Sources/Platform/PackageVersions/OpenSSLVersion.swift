// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// OpenSSL's own versions: `1.0.2k`, whose letters count up (z, za, zb), and since 3.0 semantic ones; `-alpha`, `-beta`, `-pre` and
/// `-dev` come before, what else follows a hyphen (`-fips`) does not count.
enum OpenSSLVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        let (x, y) = (try Parts(a), try Parts(b))
        let numbers = try NumberList.order(x.numbers, y.numbers, separators: ".")
        if numbers != .equal { return numbers }
        let letters = x.letters.byteOrder(y.letters)
        if letters != .equal { return letters }
        let ranks = VersionOrder(x.rank, y.rank)
        return ranks != .equal ? ranks : x.number.numericOrder(y.number)
    }

    private struct Parts {
        var numbers, letters, number: VersionText
        var rank = 4

        init(_ text: VersionText) throws(VersionError) {
            var at = text.endOfDigits(text.start)
            while text[at] == 0x2E, text[at + 1].isDigit { at = text.endOfDigits(at + 1) }
            numbers = text.part(text.start, at)
            let start = at
            while text[at].isLower { at += 1 }
            letters = text.part(start, at)
            number = text.part(at, at)
            guard !numbers.isEmpty, at == text.end || text[at] == 0x2D || text[at] == 0x2B else {
                throw text.refused("is no version of OpenSSL")
            }
            let words: [(StaticString, Int)] = [("dev", 0), ("alpha", 1), ("beta", 2), ("pre", 3)]
            for (word, rank) in words where text[at] == 0x2D && text.has(word, at: at + 1) {
                self.rank = rank
                let from = at + 1 + word.utf8CodeUnitCount
                number = text.part(from, text.endOfDigits(from))
            }
        }
    }
}
