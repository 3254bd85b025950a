// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// How enumerations are stored. Numbers are never reused.
enum Code {
    /// Resolved so long ago that no list shows it; kept because a report that is still kept showed it.
    static let archived: Int64 = 4

    static func status(_ status: Finding.Status) -> Int64 {
        switch status {
        case .new: 0
        case .inProgress: 1
        case .suppressed: 2
        case .resolved: 3
        }
    }

    static func status(_ code: Int64) -> Finding.Status {
        switch code {
        case 0: .new
        case 1: .inProgress
        case 2: .suppressed
        default: .resolved
        }
    }

    static func outcome(_ outcome: Outcome) -> Int64 {
        switch outcome {
        case .pass: 0
        case .fail: 1
        case .warn: 2
        case .error: 3
        case .skip: 4
        }
    }

    static func outcome(_ code: Int64) -> Outcome {
        switch code {
        case 0: .pass
        case 1: .fail
        case 2: .warn
        case 4: .skip
        default: .error
        }
    }

    static func severity(_ code: Int64) -> Severity { Severity(rawValue: Int(clamping: code)) ?? .unknown }

    /// `pass:0,0,1,0,0,0;fail:…`: results by outcome and severity.
    static func counts(_ summary: Summary) -> String {
        Outcome.allCases.filter { summary.count($0) != 0 }.map { outcome in
            let numbers = Severity.allCases.map { String(summary.count(outcome, $0)) }
            return "\(outcome.rawValue):\(numbers.joined(separator: ","))"
        }.joined(separator: ";")
    }

    static func summary(objects: Int64, subjects: Int64, counts: String) -> Summary {
        var summary = Summary()
        summary.objects = Int(objects)
        summary.subjects = Int(subjects)
        for part in counts.split(separator: ";") {
            let sides = part.split(separator: ":")
            guard sides.count == 2, let outcome = Outcome(rawValue: String(sides[0])) else { continue }
            for (severity, number) in zip(Severity.allCases, sides[1].split(separator: ",")) {
                if let number = Int(number), number != 0 { summary.add(outcome, severity, count: number) }
            }
        }
        return summary
    }

    /// A number over the words of a finding that tells whether they changed (FNV-1a, 64 bits).
    static func digest(_ texts: String...) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in texts {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        return Int64(bitPattern: hash)
    }

    /// A text as the store keeps it: SQLite and its readers disagree on where a text with a zero character ends.
    static func withoutZero(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        var clean = ""
        for scalar in text.unicodeScalars { clean.unicodeScalars.append(scalar == "\0" ? "\u{FFFD}" : scalar) }
        return clean
    }

    /// At most `limit` bytes, cut between characters.
    static func clip(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end])
    }
}
