/// Rows under headings, aligned by what a terminal shows, not by bytes.
///
/// The last column of a terminal's table may fold: its text continues on further lines under itself.
/// A file gets the same columns, one line a row, with nothing folded, cut or coloured.
package struct Table {
    /// One column and how it is set.
    package struct Column: Sendable {
        package var title: String
        package var isNumber = false
        /// The most cells it takes on a terminal; longer texts are cut there.
        package var widthMax: Int?
        /// Whether it takes what the others leave and folds; only the last column may.
        package var folds = false
        package var tone = Tone.plain

        package init(_ title: String, isNumber: Bool = false, widthMax: Int? = nil, folds: Bool = false, tone: Tone = .plain) {
            self.title = title
            self.isNumber = isNumber
            self.widthMax = widthMax
            self.folds = folds
            self.tone = tone
        }
    }

    /// One text of a row; its tone, if it has one, goes before its column's.
    package struct Cell: ExpressibleByStringInterpolation, Sendable {
        package var text: String
        package var tone: Tone?

        package init(_ text: String, tone: Tone? = nil) {
            self.text = text
            self.tone = tone
        }

        package init(stringLiteral text: String) { self.init(text) }
    }

    private let columns: [Column]
    private let surface: Surface
    /// The widest text of each column so far: a table that is printed in parts keeps its columns and only widens them.
    private var widths: [Int]
    private var hasHeading: Bool

    /// Without headings, widths are those of the texts alone.
    package init(_ columns: [Column], on surface: Surface, isHeaded: Bool = true) {
        precondition(!columns.dropLast().contains { $0.folds }, "only the last column has room to fold")
        hasHeading = !isHeaded
        self.columns = columns
        self.surface = surface
        widths = columns.map { isHeaded ? DisplayWidth.of($0.title) : 0 }
    }

    /// The next rows as text, with the headings before the first ones. Texts must be harmless already.
    package mutating func render(_ rows: [[Cell]]) -> String {
        precondition(rows.allSatisfy { $0.count == columns.count }, "every row has a cell for each column")
        let rows = rows.map { row in zip(row, columns).map { fitted($0, to: $1) } }
        for (index, column) in columns.enumerated() where !column.folds {
            widths[index] = rows.reduce(widths[index]) { max($0, DisplayWidth.of($1[index].text)) }
        }
        var lines: [String] = []
        if !hasHeading {
            hasHeading = true
            lines += self.lines(columns.map { Cell($0.title, tone: .strong) })
        }
        lines += rows.flatMap(self.lines)
        return lines.map { $0 + "\n" }.joined()
    }

    /// Only a folding column may hold line breaks, and only on a terminal.
    private func fitted(_ cell: Cell, to column: Column) -> Cell {
        guard surface.isTerminal else { return Cell(Harmless.line(cell.text), tone: cell.tone) }
        if column.folds { return cell }
        let line = Harmless.line(cell.text)
        return Cell(column.widthMax.map { Folding.cut(line, width: $0) } ?? line, tone: cell.tone)
    }

    private func lines(_ row: [Cell]) -> [String] {
        var head = ""
        for (index, cell) in row.enumerated() where !columns[index].folds {
            let isLast = index == columns.count - 1
            head += padded(cell, column: index, isLast: isLast)
            if !isLast { head += Self.gap }
        }
        guard let last = row.last, let column = columns.last, column.folds else { return [head.trimmingEnd()] }
        return folded(last, column: column, after: head)
    }

    /// The folding column beside the others, or under them where they leave too little room.
    private func folded(_ cell: Cell, column: Column, after head: String) -> [String] {
        guard let width = surface.width else { return [(head + cell.text).trimmingEnd()] }
        let tone = cell.tone ?? column.tone
        let beside = widths.dropLast().reduce(0) { $0 + $1 + Self.gap.utf8.count }
        let isBeside = width - beside >= Self.foldedWidthMin
        let indent = isBeside ? beside : Self.indentUnder
        let texts = Folding.lines(cell.text, width: width - indent).map { tone.paint($0, on: surface) }
        let space = String(repeating: " ", count: indent)
        let lines = isBeside ? [head + texts[0]] + texts.dropFirst().map { space + $0 } : [head] + texts.map { space + $0 }
        return lines.map { $0.trimmingEnd() }
    }

    private func padded(_ cell: Cell, column index: Int, isLast: Bool) -> String {
        let space = String(repeating: " ", count: max(0, widths[index] - DisplayWidth.of(cell.text)))
        let text = (cell.tone ?? columns[index].tone).paint(cell.text, on: surface)
        if columns[index].isNumber { return space + text }
        return isLast ? text : text + space
    }

    private static let gap = "  "
    // Folded tighter than this, a text is a column of syllables.
    private static let foldedWidthMin = 24
    private static let indentUnder = 4
}

extension String {
    fileprivate func trimmingEnd() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
