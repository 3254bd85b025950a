// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Reporting

/// How pages say things.
enum Words {
    /// `2026-03-01 09:30:00 UTC` with the same in words beside it: pages show the second, the first is its hint.
    static func time(_ seconds: Int64?, now: Int64) -> PageValue {
        guard let seconds else { return .none }
        return [
            "iso": .text(Timestamp.iso8601(seconds)), "full": .text(Timestamp.readable(seconds)),
            "ago": .text(distance(seconds, now: now)),
        ]
    }

    /// `3 minutes ago`, `in 2 hours`.
    static func distance(_ seconds: Int64, now: Int64) -> String {
        let difference = now - seconds
        let size = abs(difference)
        if size < 5 { return "now" }
        let (count, unit): (Int64, String) =
            switch size {
            case ..<60: (size, "second")
            case ..<3600: (size / 60, "minute")
            case ..<86_400: (size / 3600, "hour")
            default: (size / 86_400, "day")
            }
        let text = plural(Int(count), unit)
        return difference > 0 ? "\(text) ago" : "in \(text)"
    }

    /// `1 finding`, `2 findings`, `12 004 findings`.
    static func plural(_ count: Int, _ noun: String, _ many: String? = nil) -> String {
        "\(grouped(count)) \(count == 1 ? noun : many ?? noun + "s")"
    }

    /// `12 345`: groups of three with a thin space that does not break.
    static func grouped(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        var text = count < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "\u{202f}" }
            text.append(digit)
        }
        return text
    }

    /// `1 min 5 s`.
    static func duration(_ seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3600) h \(seconds / 60 % 60) min"
        }
    }

    /// Paragraphs of the catalogue: what stands between backticks is code.
    static func prose(_ text: String) -> PageValue {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        return .list(
            parts.enumerated().filter { !$0.element.isEmpty }.map { index, part in
                ["text": .text(String(part)), "code": .flag(index % 2 == 1)]
            })
    }

    static func status(_ status: Finding.Status) -> String {
        switch status {
        case .new: "new"
        case .inProgress: "in progress"
        case .suppressed: "suppressed"
        case .resolved: "resolved"
        }
    }

    static func trigger(_ trigger: Report.Trigger) -> String {
        switch trigger {
        case .schedule: "on schedule"
        case .demand: "on demand"
        case .start: "at the start"
        }
    }

    static func state(_ state: Report.State) -> String {
        switch state {
        case .running: "running"
        case .complete: "complete"
        case .failed: "failed"
        }
    }

    static func severity(_ severity: Severity) -> PageValue {
        ["name": .text(severity.description), "level": .number(severity.rawValue)]
    }

    /// The choices of a drop-down field.
    static func options(_ choices: [(value: String, title: String)], chosen: String?) -> PageValue {
        .list(
            choices.map {
                ["value": .text($0.value), "title": .text($0.title), "chosen": .flag($0.value == chosen)]
            })
    }
}
