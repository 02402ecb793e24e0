import Events
package import RESP

extension View {
    /// What a purge would destroy and what it would keep, then the same for each partition and tenant.
    package func plan(_ answer: RESPValue) -> String {
        let lines = answer["lines"]?.array ?? []
        return card(planRows(answer)) + (lines.isEmpty ? "" : "\n" + planLines(lines))
    }

    private func planRows(_ answer: RESPValue) -> [(label: String, value: Table.Cell)] {
        let count = number("messages", in: answer)
        let messages = Figures.counted(count, "message")
        let conversations = Figures.counted(number("conversations", in: answer), "conversation")
        let keys = Figures.counted(number("keys", in: answer), "key")
        let partitions = Figures.counted(number("partitions", in: answer), "partition")
        var rows: [(label: String, value: Table.Cell)] = [
            ("plan", Table.Cell(text(answer["plan"], under: "plan"), tone: .name)), ("of", Table.Cell(basis(of: answer))),
            (
                "destroys",
                Table.Cell(
                    "\(messages) in \(conversations), \(Figures.bytes(number("bytes", in: answer)))", tone: count > 0 ? .warning : nil)
            ),
            ("by destroying", Table.Cell("\(keys) in \(partitions)")),
        ]
        rows += Self.keepers.compactMap { label, key, why in
            let kept = number(key, in: answer)
            return kept > 0 ? (label, Table.Cell("\(Figures.counted(kept, "message")) \(why)")) : nil
        }
        let time = zoned(answer["time"]) ?? "–"
        rows.append(("as of", Table.Cell("\(text(answer["position"], under: "position")), \(time)")))
        rows.append(("digest", Table.Cell(text(answer["digest"], under: "digest"), tone: .dim)))
        return rows
    }

    /// What is kept, and why.
    private static let keepers = [
        ("held", "held", "kept by a legal hold"), ("under a floor", "floored", "kept because a floor has not ended"),
        ("locked", "locked", "kept because their policy is locked"),
        ("sealed anew", "survivors", "beside these, moved to new keys and kept"),
    ]

    private func planLines(_ lines: [RESPValue]) -> String {
        var table = Table(
            [.init("partition", tone: .name), .init("tenant")] + Self.planAmounts.map { .init($0, isNumber: true) }, on: surface)
        let rows = lines.map { line in
            ["partition", "tenant"].map { Table.Cell(text(line[$0], under: $0)) }
                + Self.planAmounts.map { Table.Cell(figure(line[$0] ?? .null, under: $0)) }
        }
        let isCut = lines.count >= Self.planLinesMax
        return table.render(rows) + (isCut ? remark("only the first \(Figures.count(lines.count)) lines; the card counts all") : "")
    }

    /// What a purge, planned or done, was to destroy.
    func basis(of answer: RESPValue) -> String {
        guard answer["basis"]?.string == "before" else { return "what has expired" }
        guard let before = answer["before"]?.integer, before < Instant.distantFuture.milliseconds else {
            return "everything, expired or not"
        }
        return "what was sent before \(moment(before, to: .seconds)) \(zone.name), and all that has expired"
    }

    private static let planAmounts = ["messages", "bytes", "keys", "survivors"]
    // The wire has no more of them in one answer.
    private static let planLinesMax = 1000
}
