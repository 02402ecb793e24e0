package import RESP

extension View {
    /// The policy that counts for a scope, and where it comes from.
    package func policy(_ answer: RESPValue) -> String {
        let period = text(answer["period"], under: "period")
        let from = text(answer["from"], under: "from")
        var rows: [(label: String, value: Table.Cell)] = [
            ("scope", Table.Cell(text(answer["scope"], under: "scope"))), ("period", Table.Cell(period, tone: .strong)),
            ("decided for", Table.Cell(from == "default" ? "nobody: the default" : from)),
        ]
        if let position = answer["position"], !position.isNull {
            rows.append(("by", Table.Cell(text(position, under: "position"))))
            rows.append(("in force since", Table.Cell("\(text(answer["effective-at"], under: "effective-at")) \(zone.name)")))
        }
        return card(rows)
    }

    /// The changes of a scope's policy, oldest first.
    package func policies(_ changes: [RESPValue]) -> String {
        var table = Table(
            [
                .init("position", isNumber: true, tone: .dim), timeColumn(), timeColumn("effective"), .init("scope"),
                .init("period", tone: .strong), .init("principal"), .init("reason", folds: true),
            ], on: surface)
        let keys = ["position", "at", "effective-at", "scope", "period", "principal", "reason"]
        return table.render(changes.map { change in keys.map { Table.Cell(text(change[$0], under: $0)) } })
    }
}
