// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why an expression could not be read, checked or evaluated.
package struct CELError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case syntax, check, evaluation
        /// A bound was reached: cost, depth, size or time. The message names it.
        case limit
    }

    package var code: Code
    package var message: String
    /// 1-based line and column of the expression; 0 where unknown.
    package var line: Int
    package var column: Int

    package init(_ code: Code, _ message: String, line: Int = 0, column: Int = 0) {
        self.code = code
        self.message = message
        self.line = line
        self.column = column
    }

    package var description: String { line == 0 ? message : "\(line):\(column): \(message)" }
}
