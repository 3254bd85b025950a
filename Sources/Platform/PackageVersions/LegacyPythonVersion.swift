// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// How setuptools ordered versions before PEP 440: numbers padded to eight digits and words, compared as texts.
enum LegacyPythonVersion {
    static func order(_ a: VersionText, _ b: VersionText) -> VersionOrder {
        let (x, y) = (parts(a), parts(b))
        for (p, q) in zip(x, y) where p != q {
            return p.lexicographicallyPrecedes(q) ? .less : .greater
        }
        return VersionOrder(x.count, y.count)
    }

    private static func parts(_ text: VersionText) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        func add(_ word: [UInt8]) {
            if word.first == 0x2A {
                if word.lexicographicallyPrecedes(final) {
                    while parts.last == finalDash { parts.removeLast() }
                }
                while parts.last == zeros { parts.removeLast() }
            }
            parts.append(word)
        }
        var at = text.start
        while at < text.end {
            let start = at
            if text[at].isDigit {
                at = text.endOfDigits(at)
                var word = [UInt8](repeating: 0x30, count: max(8 - (at - start), 0))
                for place in start..<at { word.append(text[place]) }
                add(word)
                continue
            }
            if text[at] == 0x2E || text[at] == 0x2D {
                at += 1
                if text[start] == 0x2D { add(finalDash) }
                continue
            }
            let isWord = text[at].isLetter
            while at < text.end, !text[at].isDigit, text[at] != 0x2E, text[at] != 0x2D, text[at].isLetter == isWord {
                at += 1
            }
            var word: [UInt8] = [0x2A]
            let part = text.part(start, at)
            if part.equals("pre") || part.equals("preview") || part.equals("rc") {
                word.append(0x63)
            } else if part.equals("dev") {
                word.append(0x40)
            } else {
                for place in start..<at { word.append(text[place].lowered) }
            }
            add(word)
        }
        add(final)
        return parts
    }

    private static let final = Array("*final".utf8)
    private static let finalDash = Array("*final-".utf8)
    private static let zeros = Array("00000000".utf8)
}
