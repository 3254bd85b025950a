// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Reporting

extension ImageScan {
    static let (maxText, maxMessage, maxCount) = (200, 1000, 1_000_000_000)

    /// A merge patch of the status subresource. It holds every field, so that nothing of an older status stays. Numbers and
    /// texts are held to what `verdict(of:)` takes.
    package static func statusPatch(_ verdict: ImageVerdict) -> String {
        func count(_ value: Int) -> EditValue { .number(String(min(max(value, 0), maxCount))) }
        func time(_ seconds: Int64) -> EditValue { seconds > 0 ? .string(Timestamp.iso8601(seconds)) : .null }
        func text(_ text: String, _ limit: Int = maxText) -> EditValue { .string(cut(text, limit)) }
        let hasResult = verdict.hasResult
        func counts(_ part: (ImageVerdict.Count) -> Int) -> EditValue {
            var total = 0
            var members: [(key: String, value: EditValue)] = []
            for severity in Severity.allCases.reversed() {
                let number = min(max(verdict.vulnerabilities[severity].map(part) ?? 0, 0), maxCount / 10)
                total += number
                members.append((severity.description, .number(String(number))))
            }
            return .object([("total", .number(String(total)))] + members)
        }
        let worst = verdict.worst.prefix(ImageVerdict.maxWorst).map { found in
            // What is empty is left out: there are API servers that take an empty string for null, and refuse it.
            EditValue.object(
                [
                    ("id", found.id), ("severity", found.severity.description), ("package", found.package),
                    ("version", found.version), ("fixedVersion", found.fixedVersion),
                ].filter { !$0.1.isEmpty }.map { ($0.0, text($0.1)) })
        }
        return EditValue.object([
            (
                "status",
                .object([
                    ("phase", .string(verdict.phase.rawValue)),
                    ("digest", verdict.digest.isEmpty ? .null : .string(verdict.digest)),
                    ("resolved", time(verdict.resolved)), ("scanned", time(verdict.scanned)),
                    ("advisories", time(verdict.advisories)),
                    ("vulnerabilities", hasResult ? counts { $0.total } : .null),
                    ("fixable", hasResult ? counts { min($0.fixable, max($0.total, 0)) } : .null),
                    ("worst", hasResult ? .array(worst) : .null),
                    ("malware", hasResult ? count(verdict.malware) : .null),
                    ("secrets", hasResult ? count(verdict.secrets) : .null),
                    ("misconfigurations", hasResult ? count(verdict.misconfigurations) : .null),
                    ("message", verdict.message.isEmpty ? .null : text(verdict.message, maxMessage)),
                ])
            )
        ]).json
    }

    /// At most `limit` bytes, without half a character.
    static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var (kept, size) = ("", 0)
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            if size > limit - 3 { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }
}
