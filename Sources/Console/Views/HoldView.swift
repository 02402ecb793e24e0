package import RESP

extension View {
    /// The holds, in the order in which they were placed.
    package func holds(_ holds: [RESPValue], showsReleases: Bool) -> String {
        var columns: [Table.Column] = [
            // Never cut: a name is there to be copied.
            .init("position", isNumber: true, tone: .dim), timeColumn("placed"), .init("hold", tone: .name), .init("matter"),
        ]
        if showsReleases { columns.append(timeColumn("released")) }
        var table = Table(columns + [.init("principal"), .init("covers"), .init("reason", folds: true)], on: surface)
        if holds.isEmpty { return table.render([]) + remark(showsReleases ? "no holds" : "no holds stand") }
        return table.render(
            holds.map { hold in
                var keys = ["position", "at", "hold", "matter"]
                if showsReleases { keys.append("released-at") }
                let cells = (keys + ["principal"]).map { Table.Cell(text(hold[$0], under: $0)) }
                return cells + [Table.Cell(coverage(of: hold)), Table.Cell(text(hold["reason"], under: "reason"))]
            })
    }

    /// What a hold covers, in words.
    private func coverage(of hold: RESPValue) -> String {
        var parts: [String] = []
        for key in ["tenant", "conversation", "sender"] {
            if let value = hold[key], !value.isNull { parts.append("\(key) \(text(value, under: key))") }
        }
        for key in ["from", "until"] {
            if let time = hold[key]?.integer { parts.append("\(key) \(moment(time, to: .seconds))") }
        }
        return parts.isEmpty ? "everything" : parts.joined(separator: ", ")
    }
}
