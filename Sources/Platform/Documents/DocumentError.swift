// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why a text is no document, and where.
package struct DocumentError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The text breaks the grammar of JSON or YAML.
        case syntax
        /// A key stands twice in one object. The readers disagree about which one counts, so neither does here.
        case duplicateKey
        /// More bytes than `DocumentLimits.maxBytes`.
        case tooLarge
        /// Deeper than `DocumentLimits.maxDepth`.
        case tooDeep
        /// More values than `DocumentLimits.maxNodes`.
        case tooManyNodes
        /// Aliases blow the document up.
        case aliasBomb
        /// Not well-formed UTF-8 (or UTF-16).
        case notUTF8
        /// A NUL byte: not a text at all.
        case binary
        /// The file or stream could not be read.
        case unreadable
        /// Well-formed YAML that has no JSON form: NaN, a null key, an unknown alias, a tag that does not fit.
        case unsupported
    }

    package var code: Code
    /// One sentence without the position.
    package var message: String
    /// The name the caller gave the text.
    package var file: String
    /// 1-based; 0 when there is no place to point at.
    package var line: Int
    /// 1-based, in bytes for JSON and characters for YAML; 0 when there is no place to point at.
    package var column: Int
    /// 0-based byte offset of the place in the text, where known.
    package var offset: Int?

    package init(code: Code, message: String, file: String, line: Int = 0, column: Int = 0, offset: Int? = nil) {
        self.code = code
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.offset = offset
    }

    /// `file:line:column: message`
    package var description: String {
        if line == 0 { return "\(file): \(message)" }
        return column == 0 ? "\(file):\(line): \(message)" : "\(file):\(line):\(column): \(message)"
    }
}

/// The bounds of one document. Hostile input ends in an error, never in exhausted memory.
package struct DocumentLimits: Sendable {
    /// Bytes of one text. Never over 1 GiB, whatever is asked.
    package var maxBytes: Int
    /// Nested objects and arrays.
    package var maxDepth: Int
    /// Values in one document, counted after aliases are expanded. One takes 24 bytes.
    package var maxNodes: Int
    /// A duplicate key is an error, or (as in Go's encoding/json) the last one counts.
    package enum DuplicateKeys: Sendable { case error, last }

    package init(maxBytes: Int = 64 << 20, maxDepth: Int = 1000, maxNodes: Int = 5_000_000) {
        self.maxBytes = min(max(maxBytes, 0), 1 << 30)
        self.maxDepth = min(max(maxDepth, 1), 100_000)
        self.maxNodes = min(max(maxNodes, 1), Int(UInt32.max / 4))
    }

    /// 64 MiB, 1000 deep, 5 million values.
    package static let standard = DocumentLimits()
}
