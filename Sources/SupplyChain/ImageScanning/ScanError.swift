// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why there is nothing to scan, or nothing to scan with.
package struct ScanError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case unreadable, malformed, noAdvisories }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
