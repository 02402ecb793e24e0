package import RESP

extension View {
    /// The archive's numbers, those that belong together under one heading. What this version does not know comes last.
    package func status(_ answer: RESPValue) -> String {
        let entries = (answer.entries ?? []).map { (key: $0.key.string ?? "", value: $0.value) }
        let known = Set(Self.groups.flatMap(\.keys))
        let others = entries.map(\.key).filter { !known.contains($0) }
        let groups = Self.groups + [(title: "More", keys: others)]
        return groups.compactMap { group -> String? in
            let rows = group.keys.compactMap { key in entries.first { $0.key == key } }
            guard !rows.isEmpty else { return nil }
            return Tone.strong.paint(group.title, on: surface) + "\n" + card(rows.map(statusRow))
        }.joined(separator: "\n")
    }

    private static let groups: [(title: String, keys: [String])] = [
        ("Log", ["position", "folded", "tail-events", "tail-bytes", "journal-bytes", "writable", "instance"]),
        ("Archive", ["messages", "conversations", "body-bytes", "disk-bytes", "partitions", "open-partitions", "partition-length"]),
        ("Since the start", ["started", "commands", "commits", "batches", "folds"]),
        ("Clients", ["connections", "connections-total", "connections-refused", "answers-waiting-bytes"]),
    ]

    private func statusRow(_ key: String, _ value: RESPValue) -> (label: String, value: Table.Cell) {
        let label = Harmless.line(Harmless.text(key)).replacing("-", with: " ")
        return ("  " + label, Table.Cell(figure(value, under: key), tone: Self.tone(of: value, under: key)))
    }

    /// The partitions, oldest first, and what they hold together.
    package func partitions(_ partitions: [RESPValue]) -> String {
        let counts = ["events", "messages", "bytes", "disk"]
        var table = Table(
            [.init("partition", tone: .name)] + (counts + ["first", "last"]).map { .init($0, isNumber: true) }, on: surface)
        var text = table.render(
            partitions.map { partition in
                [Table.Cell(self.text(partition["partition"], under: "partition"))]
                    + counts.map { Table.Cell(figure(partition[$0] ?? .null, under: $0)) }
                    + ["first", "last"].map { Table.Cell(self.text(partition[$0], under: "position")) }
            })
        guard surface.isTerminal else { return text }
        let totals = counts.map { key in figure(.integer(partitions.reduce(0) { $0 + ($1[key]?.integer ?? 0) }), under: key) }
        text += table.render([([Figures.count(partitions.count)] + totals + ["", ""]).map { Table.Cell($0, tone: .strong) }])
        return text
    }

    private func figure(_ value: RESPValue, under key: String) -> String {
        if case .integer(let number) = value {
            if key.hasSuffix("-seconds") { return Figures.duration(seconds: number) }
            let shown = text(value, under: key)
            return shown == String(number) ? Figures.count(number) : shown
        }
        return text(value, under: key)
    }

    private static func tone(of value: RESPValue, under key: String) -> Tone? {
        guard key == "writable", let flag = value.boolean else { return nil }
        return flag ? .good : .bad
    }
}
