import Events
package import RESP

/// Events of the log in one table, however many times more of them come.
package struct EventView {
    private let view: View
    private var table: Table

    package init(_ view: View) {
        self.view = view
        table = Table(
            [
                .init("position", isNumber: true, tone: .dim), view.timeColumn(), .init("kind", tone: .name), .init("principal"),
                .init("what", folds: true),
            ], on: view.surface)
    }

    /// The next events of the table. What a kind has beside the common fields stands as `key=value`, in the wire's order.
    package mutating func render(_ events: [RESPValue]) -> String {
        table.render(events.map(row))
    }

    private func row(_ event: RESPValue) -> [Table.Cell] {
        let details = (event.entries ?? []).compactMap(detail)
        return ["position", "at", "kind", "principal"].map { Table.Cell(view.text(event[$0], under: $0)) }
            + [Table.Cell(details.joined(separator: "  "))]
    }

    private func detail(_ entry: RESPValue.Entry) -> String? {
        guard let key = entry.key.string, !Self.notShown.contains(key), !entry.value.isNull else { return nil }
        // Nearly every message is of this type; only another one is worth the room.
        if key == "content-type", entry.value.string == ContentType.plainText.text { return nil }
        var text = view.text(entry.value, under: key)
        // A moment stays in one piece where the line is folded.
        if entry.value.integer != nil, View.isMoment(key) { text = text.replacing(" ", with: "T") }
        return "\(Harmless.line(Harmless.text(key)))=\(text.isEmpty ? "\"\"" : text)"
    }

    /// The columns of their own, and what only a program compares.
    private static let notShown: Set<String> = ["position", "at", "kind", "principal", "commitment"]
}
