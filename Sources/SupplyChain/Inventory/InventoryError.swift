// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A package database or lock file that could not be read, or not to its end.
package struct InventoryError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case malformed, tooLarge, unsupported }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
