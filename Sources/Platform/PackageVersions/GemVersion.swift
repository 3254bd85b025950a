// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `Gem::Version`: segments of digits or letters, a hyphen stands for `.pre.`; letters come before numbers. The platform that
/// lock files and file names append (`1.13.0-x86_64-linux`) is no part of a version.
enum GemVersion {
    static func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        var (x, y) = (try Segments(a), try Segments(b))
        while true {
            let (p, q) = (x.next(), y.next())
            switch (p, q) {
            case (nil, nil): return .equal
            case (let p?, nil): if let order = p.orderToZero { return order }
            case (nil, let q?): if let order = q.orderToZero { return order.reversed }
            case (let p?, let q?):
                let order = p.order(q)
                if order != .equal { return order }
            }
        }
    }

    private enum Segment {
        case number(VersionText)
        case word(VersionText)
        /// The word that a hyphen stands for.
        case pre

        /// How it stands to a segment that is missing; nil for equal.
        var orderToZero: VersionOrder? {
            if case .number(let text) = self { return text.isZero ? nil : .greater }
            return .less
        }

        func order(_ other: Segment) -> VersionOrder {
            switch (self, other) {
            case (.number(let a), .number(let b)): a.numericOrder(b)
            case (.number, _): .greater
            case (_, .number): .less
            case (.pre, .pre): .equal
            case (.word(let a), .word(let b)): a.byteOrder(b)
            case (.word(let a), .pre): Self.orderToPre(a)
            case (.pre, .word(let b)): Self.orderToPre(b).reversed
            }
        }

        private static func orderToPre(_ text: VersionText) -> VersionOrder {
            let pre: StaticString = "pre"
            for offset in 0..<min(text.count, 3) where text[text.start + offset] != pre.utf8Start[offset] {
                return VersionOrder(text[text.start + offset], pre.utf8Start[offset])
            }
            return VersionOrder(text.count, 3)
        }
    }

    /// The segments one after the other, without the zeros at the end of the leading numbers and at the very end.
    private struct Segments {
        private var text: VersionText
        private var at: Int
        private var isPreNext = false
        private var hasWord = false

        init(_ whole: VersionText) throws(VersionError) {
            text = GemVersion.withoutPlatform(whole)
            at = text.start
            guard text.first.isDigit else { throw whole.refused("does not begin with a number") }
            for at in text.start..<text.end {
                let byte = text[at]
                guard byte.isAlphanumeric || byte == 0x2D || (byte == 0x2E && text[at + 1].isAlphanumeric) else {
                    throw whole.refused("is no version of RubyGems")
                }
            }
            guard text[text.end - 1].isAlphanumeric || text[text.end - 1] == 0x2D else {
                throw whole.refused("is no version of RubyGems")
            }
        }

        mutating func next() -> Segment? {
            guard let segment = read() else { return nil }
            if case .number(let number) = segment, number.isZero {
                // Zeros before the first word, or at the end, do not count.
                var ahead = self
                while let following = ahead.read() {
                    if case .number(let number) = following {
                        if !number.isZero { return segment }
                    } else {
                        if hasWord { return segment }
                        self = ahead
                        hasWord = true
                        return following
                    }
                }
                self = ahead
                return nil
            }
            if case .number = segment {} else { hasWord = true }
            return segment
        }

        private mutating func read() -> Segment? {
            if isPreNext {
                isPreNext = false
                return .pre
            }
            while at < text.end, text[at] == 0x2E { at += 1 }
            guard at < text.end else { return nil }
            let start = at
            if text[at] == 0x2D {
                at += 1
                return .pre
            }
            if text[at].isDigit {
                at = text.endOfDigits(at)
                return .number(text.part(start, at))
            }
            while text[at].isLetter { at += 1 }
            return .word(text.part(start, at))
        }
    }

    /// `1.2.0-alpha-x86-linux` is `1.2.0-alpha`.
    static func withoutPlatform(_ text: VersionText) -> VersionText {
        var at = text.start
        while at < text.end {
            if text[at] == 0x2D {
                for (word, isPrefix) in platforms where text.has(word, at: at + 1) {
                    let end = at + 1 + word.utf8CodeUnitCount
                    if isPrefix || end == text.end || text[end] == 0x2D { return text.part(text.start, at) }
                }
            }
            at += 1
        }
        return text
    }

    /// Processors and systems, as `Gem::Platform` knows them; whether something may follow the word.
    private static let platforms: [(StaticString, Bool)] = [
        ("x86", true), ("x64", true), ("amd64", false), ("i386", false), ("i486", false), ("i586", false),
        ("i686", false),
        ("arm", true), ("aarch64", true), ("universal", true), ("java", false), ("jruby", false), ("mswin", true),
        ("mingw", true), ("darwin", true), ("linux", true), ("powerpc", true), ("ppc64", true), ("riscv64", false),
        ("s390x", false), ("sparc", true), ("freebsd", true), ("openbsd", true), ("netbsd", true), ("solaris", true),
        ("dalvik", true), ("aix", true),
    ]
}
