package import RESP

extension View {
    /// What became of each partition, and what the system has back.
    package func compactions(_ partitions: [RESPValue]) -> String {
        var table = Table(
            [.init("partition", tone: .name), .init("outcome")]
                + (Self.compactionSizes + ["took"]).map { .init($0, isNumber: true) }, on: surface)
        var text = table.render(
            partitions.map { partition in
                [
                    Table.Cell(self.text(partition["partition"], under: "partition")),
                    Table.Cell(outcome(partition["outcome"]), tone: partition["outcome"]?.string == "busy" ? .warning : nil),
                ]
                    + Self.compactionSizes.map { Table.Cell(size(partition[$0])) }
                    + [Table.Cell(partition["seconds"]?.double.map { Figures.duration(seconds: Int($0.rounded(.up))) } ?? "–")]
            })
        guard surface.isTerminal else { return text }
        let sums = Self.compactionSizes.map { key in size(.integer(partitions.reduce(0) { $0 + ($1[key]?.integer ?? 0) })) }
        text += table.render([([Figures.count(partitions.count), ""] + sums + [""]).map { Table.Cell($0, tone: .strong) }])
        return text
    }

    private func size(_ value: RESPValue?) -> String { value?.integer.map { Figures.bytes($0) } ?? "–" }

    private func outcome(_ value: RESPValue?) -> String {
        switch value?.string {
        case "not-worth": "not worth it"
        case "busy": "busy: try later"
        default: text(value, under: "outcome")
        }
    }

    private static let compactionSizes = ["before", "after", "returned"]
}
