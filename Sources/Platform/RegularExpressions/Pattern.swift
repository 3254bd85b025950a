// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CRE2

/// A compiled regular expression of RE2: Go's syntax, time linear in the text, whatever the pattern.
package final class Pattern: @unchecked Sendable {
    // @unchecked: RE2 objects may be used by many threads at once, and this one never changes.

    /// What was compiled.
    package let text: String
    /// Number of capture groups, the whole match not counted.
    package let groupCount: Int
    private let compiled: OpaquePointer

    /// Throws why the pattern is none. Programs over `maxMemory` bytes are refused.
    package init(_ text: String, longestMatch: Bool = false, maxMemory: Int = 8 << 20) throws(PatternError) {
        var text = text
        var error = [CChar](repeating: 0, count: 256)
        let compiled = text.withUTF8 { pattern in
            bulwark_re2_compile(
                pattern.baseAddress, pattern.count, Int64(maxMemory), longestMatch, &error, error.count)
        }
        guard let compiled else {
            let end = error.firstIndex(of: 0) ?? error.count
            throw PatternError(
                pattern: text, message: String(decoding: error[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        self.text = text
        self.compiled = compiled
        groupCount = Int(bulwark_re2_groups(compiled))
    }

    deinit { bulwark_re2_free(compiled) }

    /// The name of a group (1-based), where it has one.
    package func groupName(_ group: Int) -> String? {
        bulwark_re2_group_name(compiled, Int32(group)).map { String(cString: $0) }
    }

    /// Whether the pattern matches anywhere in the text.
    package func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        bulwark_re2_match(compiled, text.baseAddress, text.count, 0, text.count, nil, 0) == 1
    }

    /// Whether the pattern matches anywhere in the text.
    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches($0) }
    }

    /// Byte ranges of the first match at or after `from` and of its groups; nil for a group that took no part.
    package func firstMatch(in text: UnsafeBufferPointer<UInt8>, from: Int = 0) -> [Range<Int>?]? {
        var offsets = [Int64](repeating: -1, count: 2 * (groupCount + 1))
        let found = bulwark_re2_match(
            compiled, text.baseAddress, text.count, from, text.count, &offsets, Int32(groupCount + 1))
        guard found == 1 else { return nil }
        return (0...groupCount).map { group in
            offsets[2 * group] < 0 ? nil : Int(offsets[2 * group])..<Int(offsets[2 * group + 1])
        }
    }

    /// Whether the pattern matches within a range of the text, of which anchors and word boundaries see the whole. Fills
    /// `offsets` with the beginning and end of the match and of its groups, -1 where a group took no part, as far as there
    /// is room. Allocates nothing for up to 15 groups.
    package func find(
        in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, offsets: UnsafeMutableBufferPointer<Int64>
    ) -> Bool {
        guard range.lowerBound >= 0, range.upperBound <= text.count else { return false }
        return bulwark_re2_match(
            compiled, text.baseAddress, text.count, range.lowerBound, range.upperBound, offsets.baseAddress,
            Int32(clamping: min(offsets.count / 2, groupCount + 1))) == 1
    }

    /// All matches one after the other, as Go's FindAll finds them: an empty match right behind another does not count.
    package func allMatches(in text: UnsafeBufferPointer<UInt8>, limit: Int = .max) -> [[Range<Int>?]] {
        var found: [[Range<Int>?]] = []
        var at = 0
        var lastEnd = -1
        while at <= text.count, found.count < limit {
            guard let match = firstMatch(in: text, from: at), let whole = match[0] else { break }
            if !whole.isEmpty {
                at = whole.upperBound
                found.append(match)
            } else {
                if whole.lowerBound != lastEnd { found.append(match) }
                at = whole.lowerBound + characterLength(text, whole.lowerBound)
            }
            lastEnd = whole.upperBound
        }
        return found
    }

    private func characterLength(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        guard at < text.count else { return 1 }
        var length = 1
        while at + length < text.count, text[at + length] & 0xC0 == 0x80 { length += 1 }
        return length
    }
}

/// Why a text is no pattern.
package struct PatternError: Error, Sendable, Equatable, CustomStringConvertible {
    package var pattern: String
    package var message: String

    package var description: String { "error parsing regexp: \(message)" }
}
