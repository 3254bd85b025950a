// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A table of text for terminals: columns as wide as they need, narrowed and then left out until the table fits.
package struct TextTable: Sendable {
    package struct Column: Sendable {
        package var title: String
        /// Aligned to the right, for numbers.
        package var right: Bool
        /// How far it may be narrowed; nil keeps its width.
        package var least: Int?
        /// May be left out when the table cannot be narrowed enough; the last such column goes first.
        package var optional: Bool

        package init(_ title: String, right: Bool = false, least: Int? = nil, optional: Bool = false) {
            self.title = title
            self.right = right
            self.least = least
            self.optional = optional
        }
    }

    package struct Cell: Sendable {
        package var text: String
        package var ink: TerminalStyle.Ink

        /// Any text: it is made safe here.
        package init(_ text: String, ink: TerminalStyle.Ink = .plain) {
            self.text = DisplayText.safe(text)
            self.ink = ink
        }
    }

    private static let gap = 2

    private let columns: [Column]
    private var rows: [[Cell]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Cells beyond the columns are ignored, missing ones are empty.
    package mutating func add(_ cells: [Cell]) { rows.append(cells) }

    package mutating func add(_ cells: [String]) { add(cells.map { Cell($0) }) }

    /// Appends the table, its titles first, every line at most `width` columns wide.
    package func write(to output: inout OutputBuffer, width: Int, colour: Bool = false) {
        let style = TerminalStyle(isOn: colour)
        let layout = layout(width: max(width, 20))
        line(to: &output, layout, style) { Cell(columns[$0].title, ink: .bold) }
        for row in rows {
            line(to: &output, layout, style) { $0 < row.count ? row[$0] : Cell("") }
        }
    }

    private func line(
        to output: inout OutputBuffer, _ layout: [(column: Int, width: Int)], _ style: TerminalStyle,
        _ cell: (Int) -> Cell
    ) {
        var waiting = 0
        for (column, width) in layout {
            let cell = cell(column)
            let text = DisplayText.cut(cell.text, to: width)
            let rest = width - DisplayText.width(text)
            if text.isEmpty {
                waiting += width + Self.gap
                continue
            }
            output.append(spaces: waiting + (columns[column].right ? rest : 0))
            output.append(style.apply(cell.ink, text))
            // Spaces are written before the next cell, so that no line ends with them.
            waiting = (columns[column].right ? 0 : rest) + Self.gap
        }
        output.append("\n")
    }

    private func layout(width: Int) -> [(column: Int, width: Int)] {
        var chosen = columns.indices.map { column in
            let cells = rows.lazy.map { column < $0.count ? DisplayText.width($0[column].text) : 0 }
            return (column: column, width: max(DisplayText.width(columns[column].title), cells.max() ?? 0))
        }
        func excess() -> Int { chosen.reduce(-Self.gap) { $0 + $1.width + Self.gap } - width }
        func narrow() {
            while excess() > 0 {
                let candidates = chosen.indices.filter { index in
                    columns[chosen[index].column].least.map { chosen[index].width > $0 } ?? false
                }
                guard let widest = candidates.max(by: { chosen[$0].width < chosen[$1].width }) else { return }
                let least = columns[chosen[widest].column].least ?? 1
                let second = candidates.lazy.filter { $0 != widest }.map { chosen[$0].width }.max() ?? least
                // Down to the next widest at once, then evenly.
                let target = min(chosen[widest].width - 1, max(second, least, chosen[widest].width - excess()))
                chosen[widest].width = max(target, least)
            }
        }
        narrow()
        while excess() > 0, let drop = chosen.lastIndex(where: { columns[$0.column].optional }) {
            chosen.remove(at: drop)
            for index in chosen.indices {
                let column = chosen[index].column
                let cells = rows.lazy.map { column < $0.count ? DisplayText.width($0[column].text) : 0 }
                chosen[index].width = max(DisplayText.width(columns[column].title), cells.max() ?? 0)
            }
            narrow()
        }
        // What is left must fit all the same: the widest give way.
        while excess() > 0, let widest = chosen.indices.max(by: { chosen[$0].width < chosen[$1].width }),
            chosen[widest].width > 1
        {
            chosen[widest].width -= 1
        }
        return chosen
    }
}
