package import AnnalsClient

/// A conversation as one viewer sees it, page after page in one table.
package struct TimelineView {
    private let view: View
    private let showsIDs: Bool
    private let showsStates: Bool
    private var table: Table

    /// - Parameter showsStates: for an auditor, who is shown more than what is visible.
    package init(_ view: View, showsIDs: Bool, showsStates: Bool = false) {
        self.showsStates = showsStates
        self.view = view
        self.showsIDs = showsIDs
        var columns: [Table.Column] = [
            .init("position", isNumber: true, tone: .dim), view.timeColumn(), .init("sender", widthMax: 20, tone: .name),
        ]
        // Never cut: an id is there to be copied.
        if showsIDs { columns.append(.init("id")) }
        if showsStates { columns.append(.init("state")) }
        table = Table(columns + [.init("body", folds: true)], on: view.surface)
    }

    /// The next messages of the table.
    package mutating func render(_ messages: [AnnalsClient.Message]) -> String {
        table.render(messages.map(row))
    }

    /// Where to go on, and what was looked at.
    package func footer(_ page: AnnalsClient.Page) -> String {
        var parts: [String] = page.messages.isEmpty ? [showsStates ? "no messages" : "no visible messages"] : []
        if let older = page.previous { parts.append("older: --before \(Harmless.text(older.rawValue))") }
        if let newer = page.next { parts.append("newer: --after \(Harmless.text(newer.rawValue))") }
        parts.append("the log ends at #\(page.position)")
        return view.remark(parts.joined(separator: "   "))
    }

    private func row(_ message: AnnalsClient.Message) -> [Table.Cell] {
        var cells: [Table.Cell] = [
            // Beside the number, where no sender can write.
            Table.Cell((message.isHeld ? "held " : "") + "#\(message.position)"),
            Table.Cell(view.moment(message.at.rawValue, to: .seconds)),
            Table.Cell(Harmless.text(message.sender)),
        ]
        if showsIDs { cells.append(Table.Cell(Harmless.text(message.id))) }
        if showsStates { cells.append(Table.Cell(message.state.rawValue, tone: message.state == .visible ? .good : .warning)) }
        return cells + [view.body(of: message)]
    }
}

extension View {
    /// A message's content if it is text and may be read, else in brackets why it is not shown.
    package func body(of message: AnnalsClient.Message) -> Table.Cell {
        guard let body = message.body else {
            let receipt = message.receipt.map { ", receipt #\($0)" } ?? ""
            return Table.Cell("(\(message.state.rawValue)\(receipt))", tone: .dim)
        }
        if body.isEmpty { return Table.Cell("(empty)", tone: .dim) }
        guard message.contentType.isEmpty || message.contentType.hasPrefix("text/") else {
            return Table.Cell("(\(Harmless.text(message.contentType)), \(Figures.bytes(body.count)))", tone: .dim)
        }
        return Table.Cell(Harmless.text(body))
    }

    /// All that is known of one message.
    package func card(_ message: AnnalsClient.Message) -> String {
        let tone: Tone = message.state == .visible ? .good : .warning
        var rows: [(label: String, value: Table.Cell)] = [
            ("position", Table.Cell("#\(message.position)")),
            ("time", Table.Cell("\(moment(message.at.rawValue)) \(zone.name)")),
            ("tenant", Table.Cell(Harmless.text(message.tenant))),
            ("conversation", Table.Cell(Harmless.text(message.conversation))),
            ("sender", Table.Cell(Harmless.text(message.sender), tone: .name)),
            ("id", Table.Cell(Harmless.text(message.id))),
            ("type", Table.Cell(Harmless.text(message.contentType))),
            ("state", Table.Cell(message.state.rawValue, tone: tone)),
            ("expires", Table.Cell(message.expires.map { "\(moment($0.rawValue)) \(zone.name)" } ?? "never")),
        ]
        if message.isHeld { rows.append(("held", "yes: it is not destroyed")) }
        if let receipt = message.receipt { rows.append(("receipt", Table.Cell("#\(receipt)"))) }
        rows.append(("body", body(of: message)))
        return card(rows)
    }
}
