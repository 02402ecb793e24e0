import AnnalsClient

/// The changes of a timeline, as a table.
package struct TimelineDiffView {
    private let view: View

    package init(_ view: View) { self.view = view }

    package func text(_ changes: [TimelineChange]) -> String {
        if changes.isEmpty { return view.remark("nothing changed") }
        var table = Table(
            [
                .init("change"), .init("position", isNumber: true, tone: .dim), view.timeColumn("sent"),
                .init("sender", widthMax: 20, tone: .name), .init("id"), .init("by", folds: true),
            ], on: view.surface)
        return table.render(changes.map(row))
    }

    private func row(_ change: TimelineChange) -> [Table.Cell] {
        let message = change.message
        return [
            Table.Cell(change.word, tone: Self.tone(change.deed)), Table.Cell("#\(message.position)"),
            Table.Cell(view.moment(message.at.rawValue, to: .seconds)), Table.Cell(Harmless.text(message.sender)),
            Table.Cell(Harmless.text(message.id)), Table.Cell(change.causeWords),
        ]
    }

    private static func tone(_ deed: TimelineChange.Deed) -> Tone {
        switch deed {
        case .appeared, .keptLonger: .good
        case .purged: .bad
        case .hidden, .expired, .gone: .warning
        }
    }
}
