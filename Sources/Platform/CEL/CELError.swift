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
    /// What else is wrong with the expression, in the order of the text.
    package var others: [CELError] = []

    package init(_ code: Code, _ message: String, line: Int = 0, column: Int = 0) {
        self.code = code
        self.message = message
        self.line = line
        self.column = column
    }

    /// - Parameter offset: the byte of the text where it is.
    init(_ code: Code, _ message: String, in text: String, at offset: Int) {
        let before = text.utf8.prefix(offset)
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let start = before.lastIndex(of: 0x0A).map { before.distance(from: before.startIndex, to: $0) + 1 } ?? 0
        self.init(code, message, line: line, column: before.count - start + 1)
    }

    package var description: String {
        let own = line == 0 ? message : "\(line):\(column): \(message)"
        return ([own] + others.map(\.description)).joined(separator: "; ")
    }
}
