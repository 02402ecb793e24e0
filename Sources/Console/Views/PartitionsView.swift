package import RESP

extension View {
    /// The partitions, oldest first, and what they hold together.
    package func partitions(_ partitions: [RESPValue]) -> String {
        var table = Table(
            [.init("partition", tone: .name)] + Self.amounts.map { .init($0, isNumber: true) } + [timeColumn("next expiry")], on: surface)
        let damage = partitions.compactMap { partition in
            partition["damage"]?.string.map { "\(Tone.bad.paint("put aside", on: surface)): \(Harmless.line(Harmless.text($0)))\n" }
        }.joined()
        let text = table.render(partitions.map { row(self.text($0["partition"], under: "partition"), amounts(of: $0), expiry(of: $0)) })
        guard surface.isTerminal else { return text + damage }
        let sums = Self.amounts.map { key in
            figure(.integer(partitions.reduce(0) { $0 + ($1[key]?.integer ?? 0) }), under: key)
        }
        let next = partitions.compactMap { $0["next-expiry"]?.integer }.min()
        let total = row(Figures.count(partitions.count), sums, next.map { moment($0, to: .seconds) } ?? "")
        return text + table.render([total.map { Table.Cell($0.text, tone: .strong) }]) + damage
    }

    private func row(_ name: String, _ amounts: [String], _ expiry: String) -> [Table.Cell] {
        ([name] + amounts + [expiry]).map { Table.Cell($0) }
    }

    private func amounts(of partition: RESPValue) -> [String] {
        Self.amounts.map { figure(partition[$0] ?? .null, under: $0) }
    }

    private func expiry(of partition: RESPValue) -> String {
        partition["next-expiry"]?.integer.map { moment($0, to: .seconds) } ?? "–"
    }

    private static let amounts = ["messages", "live", "expired", "held", "purged", "disk", "free"]
}
