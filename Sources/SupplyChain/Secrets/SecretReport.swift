// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

/// Turns places in a file into matches that do not show the secret.
struct SecretReport {
    let scanner: SecretScanner
    let text: UnsafeBufferPointer<UInt8>
    let path: String

    func add(_ scratch: SecretScratch, to matches: inout [SecretMatch]) {
        let found = scratch.found.sorted {
            ($0.secret.lowerBound, $0.rule) < ($1.secret.lowerBound, $1.rule)
        }
        var kept = withoutGeneric(found)
        kept = withoutSame(kept)
        // The last match of each rule carries the number of those that are not listed.
        var last: [Int: Int] = [:]
        var line = 1
        var lineStart = 0
        var at = 0
        for one in kept {
            while at < one.secret.lowerBound {
                guard let start = text.baseAddress,
                    let end = memchr(start + at, 0x0A, one.secret.lowerBound - at)
                else { break }
                at = UnsafeRawPointer(end) - UnsafeRawPointer(start) + 1
                line += 1
                lineStart = at
            }
            at = one.secret.lowerBound
            let rule = scanner.rules[one.rule].rule
            let mask = self.mask(one.secret)
            last[one.rule] = matches.count
            matches.append(
                SecretMatch(
                    rule: rule.id, title: rule.title, severity: rule.severity, path: path, line: line,
                    column: one.secret.lowerBound - lineStart + 1,
                    excerpt: name(before: one.secret.lowerBound, from: lineStart, kept)
                        + "\"(\(one.secret.count) bytes, \(mask))\"",
                    identity: "\(rule.id) \(one.secret.count) \(mask)"))
        }
        for (rule, index) in last { matches[index].unlisted = scratch.states[rule].unlisted }
    }

    /// Leaves out generic matches that another rule explains better.
    private func withoutGeneric(_ found: [SecretScratch.Found]) -> [SecretScratch.Found] {
        var ranges: [Range<Int>] = []
        for one in found where !scanner.rules[one.rule].rule.isGeneric {
            if let previous = ranges.last, one.secret.lowerBound <= previous.upperBound {
                ranges[ranges.count - 1] =
                    previous.lowerBound..<max(previous.upperBound, one.secret.upperBound)
            } else {
                ranges.append(one.secret)
            }
        }
        var next = 0
        return found.filter { one in
            guard scanner.rules[one.rule].rule.isGeneric else { return true }
            while next < ranges.count, ranges[next].upperBound <= one.secret.lowerBound { next += 1 }
            return next >= ranges.count || !ranges[next].overlaps(one.secret)
        }
    }

    /// Of several matches at the very same place the one of the rule that comes first stays.
    private func withoutSame(_ found: [SecretScratch.Found]) -> [SecretScratch.Found] {
        var kept: [SecretScratch.Found] = []
        for one in found {
            if let previous = kept.last, one.secret.upperBound <= previous.secret.upperBound { continue }
            kept.append(one)
        }
        return kept
    }

    /// 32 bits of a keyed hash.
    private func mask(_ secret: Range<Int>) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[secret]), using: scanner.key)
        var hash = ""
        for byte in code.prefix(4) { hash += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }
        return hash
    }

    /// The name to which the secret is given, with what stands between: `password = `. Empty where there is none, or where
    /// it could itself be a secret.
    private func name(before end: Int, from lineStart: Int, _ found: [SecretScratch.Found]) -> String {
        var start = end
        while start > lineStart, end - start < 6, Self.separates(text[start - 1]) { start -= 1 }
        let nameEnd = start
        guard nameEnd < end else { return "" }
        while start > lineStart, nameEnd - start < 41, Self.names(text[start - 1]) { start -= 1 }
        let name = UnsafeBufferPointer(rebasing: text[start..<nameEnd])
        guard (1...40).contains(name.count), name.filter({ $0 >= 0x30 && $0 <= 0x39 }).count <= 2,
            !found.contains(where: { $0.secret.overlaps(start..<end) })
        else { return "" }
        return String(decoding: text[start..<end], as: UTF8.self).filter { $0 != "\"" && $0 != "\t" }
    }

    private static func separates(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: ">"), UInt8(ascii: "\t"):
            true
        default: false
        }
    }

    private static func names(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
