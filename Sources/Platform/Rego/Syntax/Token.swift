// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One word of a policy's text.
struct Token: Sendable {
    enum Kind: Sendable, Equatable {
        case end
        case identifier, keyword
        case number
        /// A quoted string; its text is what it stands for.
        case string
        /// `$"…"`: its parts stand in `template`.
        case template
        /// Punctuation and operators.
        case symbol
    }

    var kind: Kind
    /// Identifier, keyword or symbol as written, number as written, string with its escapes taken out.
    var text: String
    /// Byte offsets into the source.
    var start: Int
    var end: Int
    var row: Int
    var column: Int
    /// White space or a comment stands between the token before and this one.
    var spaceBefore: Bool
    /// A line ends between the token before and this one.
    var lineBefore: Bool
    var template: [TemplatePiece] = []

    func isSymbol(_ text: StaticString) -> Bool { kind == .symbol && same(text) }
    func isKeyword(_ text: StaticString) -> Bool { kind == .keyword && same(text) }

    private func same(_ other: StaticString) -> Bool {
        let utf8 = text.utf8
        guard utf8.count == other.utf8CodeUnitCount else { return false }
        return utf8.elementsEqual(UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }
}

/// A part of a template string: text, or the place of an expression in the source.
enum TemplatePiece: Sendable {
    case text(String)
    case expression(start: Int, row: Int, column: Int)
}

/// A comment, kept for annotations and formatting.
package struct Comment: Sendable, Hashable {
    /// After the `#`.
    package var text: String
    package var row: Int
    package var column: Int
    /// Nothing but space stands before it on its line.
    package var isAlone: Bool
}
