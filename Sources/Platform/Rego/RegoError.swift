// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Where something stands in a policy's text.
package struct Location: Sendable, Hashable, CustomStringConvertible {
    package var file: String
    /// 1-based.
    package var row: Int
    /// 1-based, in bytes.
    package var column: Int

    package init(file: String, row: Int, column: Int) {
        self.file = file
        self.row = row
        self.column = column
    }

    package var description: String { "\(file):\(row):\(column)" }
}

/// Why a policy could not be read, compiled or evaluated. Codes are OPA's, for those who match on them.
package struct RegoError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case parse = "rego_parse_error"
        case compile = "rego_compile_error"
        case type = "rego_type_error"
        case unsafeVariable = "rego_unsafe_var_error"
        case recursion = "rego_recursion_error"
        case evalType = "eval_type_error"
        case evalBuiltin = "eval_builtin_error"
        case evalConflict = "eval_conflict_error"
        case evalWith = "eval_with_merge_error"
        case evalInternal = "eval_internal_error"
        case cancelled = "eval_cancel_error"
        /// A bound of ours was reached: steps, memory, depth, time or output. The message names it and the rule.
        case limit = "eval_limit_error"
    }

    package var code: Code
    package var message: String
    package var location: Location?
    /// The line it stands in, with a caret below the column; empty where there is none.
    package var excerpt: String

    package init(_ code: Code, _ message: String, at location: Location? = nil, excerpt: String = "") {
        self.code = code
        self.message = message
        self.location = location
        self.excerpt = excerpt
    }

    /// `file:row:column: code: message`
    package var description: String {
        let place = location.map { "\($0): " } ?? ""
        return "\(place)\(code.rawValue): \(message)\(excerpt.isEmpty ? "" : "\n\(excerpt)")"
    }
}

/// Everything wrong with a set of modules.
package struct RegoErrors: Error, Sendable, CustomStringConvertible {
    package var errors: [RegoError]

    package init(_ errors: [RegoError]) { self.errors = errors }

    package var description: String { errors.map(\.description).joined(separator: "\n") }
}
