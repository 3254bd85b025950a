// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A credential in a file. It never holds the credential itself.
package struct SecretMatch: Sendable, Hashable {
    package var rule: String
    package var title: String
    package var severity: Severity
    package var path: String
    /// Counted from 1.
    package var line: Int
    /// In bytes, counted from 1.
    package var column: Int
    /// `password = "(14 bytes, 9f3a61c2)`: the name before the secret where there is one, the secret's length, and 32 bits
    /// of a keyed hash, which tell a change and no more.
    package var excerpt: String
    /// The same as long as rule and secret are, for scanners with the same key: `aws-secret-key 40 9f3a61c2`.
    package var identity: String
    /// Further matches of the rule in the file that are counted and not listed; on its last match.
    package var unlisted: Int

    package init(
        rule: String, title: String, severity: Severity, path: String, line: Int, column: Int, excerpt: String,
        identity: String, unlisted: Int = 0
    ) {
        self.rule = rule
        self.title = title
        self.severity = severity
        self.path = path
        self.line = line
        self.column = column
        self.excerpt = excerpt
        self.identity = identity
        self.unlisted = unlisted
    }
}
