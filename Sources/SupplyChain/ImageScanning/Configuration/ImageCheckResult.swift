// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A problem that a check sees in an image's configuration or in one of its files.
package struct ImageCheckResult: Sendable, Hashable {
    package var check: Check
    /// `fail`, or `warn` where it may be meant.
    package var outcome: Outcome
    /// One sentence that names what was seen.
    package var message: String
    /// `config.User`, `history[3]`, or the path of a file.
    package var path: String
    /// What stands there, at most 200 bytes; secrets are masked.
    package var value: String

    package static func == (left: ImageCheckResult, right: ImageCheckResult) -> Bool {
        left.check === right.check && left.outcome == right.outcome && left.message == right.message
            && left.path == right.path && left.value == right.value
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(check.id)
        hasher.combine(path)
        hasher.combine(message)
    }

    init(_ check: Check, _ outcome: Outcome, _ message: String, path: String, value: String = "") {
        self.check = check
        self.outcome = outcome
        self.message = message
        self.path = path
        self.value = Self.clip(value)
    }

    init(_ check: Check, _ message: String, path: String, value: String = "") {
        self.init(check, .fail, message, path: path, value: value)
    }

    static func clip(_ text: String, _ limit: Int = 200) -> String {
        guard text.utf8.count > limit else { return text }
        var cut = ""
        for scalar in text.unicodeScalars where cut.utf8.count < limit { cut.unicodeScalars.append(scalar) }
        return cut + "…"
    }
}
