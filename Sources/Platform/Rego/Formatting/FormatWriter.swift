// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Puts words and comments on lines. Comments go where their place in the source falls; none is lost.
struct FormatWriter {
    private(set) var text = ""
    private var line = ""
    private var indent = 0
    private let comments: [Comment]
    private var nextComment = 0
    /// The row of the source that the last word or comment came from; 0 where no blank line may follow.
    private var lastRow = 0
    private var lastColumn = 0

    init(comments: [Comment]) { self.comments = comments }

    var isLineEmpty: Bool { line.isEmpty }
    var hasComments: Bool { nextComment < comments.count }

    mutating func up() { indent += 1 }
    mutating func down() { indent -= 1 }

    /// Begins a line at a place of the source: what comments stand before it come first, and one blank line stays one.
    mutating func begin(row: Int, column: Int) {
        if !line.isEmpty { end() }
        flush(before: row, column)
        gap(to: row)
    }

    /// No blank line comes next.
    mutating func forbidGap() { lastRow = 0 }

    private mutating func gap(to row: Int) {
        if lastRow > 0, row - lastRow > 1, !text.isEmpty, !text.hasSuffix("\n\n") { text += "\n" }
    }

    /// All comments before a place, each on a line of its own.
    mutating func flush(before row: Int, _ column: Int) {
        while nextComment < comments.count {
            let comment = comments[nextComment]
            guard comment.row < row || comment.row == row && comment.column < column else { return }
            if !line.isEmpty { end() }
            guard nextComment < comments.count, comments[nextComment] == comment else { continue }
            gap(to: comment.row)
            text += String(repeating: "\t", count: indent) + FormatWriter.shown(comment) + "\n"
            lastRow = comment.row
            nextComment += 1
        }
    }

    private static func shown(_ comment: Comment) -> String {
        var body = Substring(comment.text)
        while let last = body.last, last == " " || last == "\t" || last == "\r" { body.removeLast() }
        return "#" + body
    }

    mutating func add(_ word: String, row: Int, column: Int) {
        line += word
        lastRow = row
        lastColumn = column
    }

    mutating func add(_ word: String) { line += word }

    /// Ends the line, with the comment that follows its last word in the source.
    mutating func end() {
        guard !line.isEmpty else { return }
        if nextComment < comments.count {
            let comment = comments[nextComment]
            if comment.row == lastRow, comment.column > lastColumn, !comment.isAlone {
                line += " " + FormatWriter.shown(comment)
                nextComment += 1
            }
        }
        text += String(repeating: "\t", count: indent) + line + "\n"
        line = ""
    }

    /// Exactly one blank line, unless nothing was written yet.
    mutating func blank() {
        end()
        if !text.isEmpty, !text.hasSuffix("\n\n") { text += "\n" }
        lastRow = 0
    }
}
