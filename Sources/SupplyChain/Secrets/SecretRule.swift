// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// How one sort of credential is told. `docs/images/secrets.md` says how rules are written.
package struct SecretRule: Sendable {
    package var id: String
    package var title: String
    package var severity: Severity
    /// RE2 syntax. The secret is the first group that took part in the match, or the whole match of a pattern without groups.
    package var pattern: String
    /// At least one of them, in any case, stands in what matches. Four bytes or more.
    package var keywords: [String]
    /// Bits per byte that the secret has at least; 0 asks for none.
    package var entropy: Double = 0
    /// Patterns one of which the file's path has to match; none for all files.
    package var paths: [String] = []
    /// Patterns of secrets that are none: examples that everybody knows.
    package var allow: [String] = []
    /// Bytes of a match before its first keyword, and from there on.
    package var before: Int = 48
    package var after: Int = 320
    /// Gives way to other rules that match at the same place.
    package var isGeneric = false
    /// It is not asked of documentation, examples and tests, whose passwords and keys are made up.
    package var exceptsExamples = false
    /// Words such as `example` in the secret do not speak against it.
    package var isSureOfForm = false

    package init(id: String, title: String, severity: Severity, pattern: String, keywords: [String]) {
        self.id = id
        self.title = title
        self.severity = severity
        self.pattern = pattern
        self.keywords = keywords
    }
}
