package import RESP

extension View {
    /// What the daemon is destroying, what waits, and whether it may go on.
    package func purgeStatus(_ answer: RESPValue) -> String {
        let clock = answer["clock"]?.string ?? "–"
        var rows: [(label: String, value: Table.Cell)] = [("state", Table.Cell(work(answer), tone: .strong))]
        rows += zoned(answer["started"], to: .seconds).map { [("started", Table.Cell($0))] } ?? []
        rows.append(("clock", Table.Cell(self.clock(answer), tone: clock == "trusted" ? .good : .bad)))
        rows.append(("oldest expired", Table.Cell(oldestExpired(answer))))
        rows.append(("next purge", Table.Cell(zoned(answer["next-purge"], to: .seconds) ?? "not planned")))
        let intents = number("open-intents", in: answer)
        rows.append(("open intents", Table.Cell(Figures.count(intents), tone: intents > 0 ? .warning : nil)))
        rows.append(("last receipt", Table.Cell(text(answer["last-receipt"], under: "last-receipt"))))
        rows += escrow(answer)
        if let error = answer["last-error"], !error.isNull {
            rows.append(("last error", Table.Cell(text(error, under: "last-error"), tone: .bad)))
        }
        return card(rows)
    }

    private func work(_ answer: RESPValue) -> String {
        var words = [text(answer["state"], under: "state")]
        if let partition = answer["partition"], !partition.isNull { words.append(text(partition, under: "partition")) }
        guard let total = answer["total"]?.integer, total > 0 else { return words.joined(separator: " ") }
        return words.joined(separator: " ") + ", \(Figures.count(number("done", in: answer))) of \(Figures.count(total))"
    }

    private func escrow(_ answer: RESPValue) -> [(label: String, value: Table.Cell)] {
        guard let word = answer["escrow"]?.string, word != "none" else { return [] }
        let since = zoned(answer["escrow-at"], to: .seconds).map { "of \($0)" } ?? "none is there"
        guard word == "failed" else { return [("escrow", Table.Cell(since))] }
        return [("escrow", Table.Cell("\(since); failed: \(text(answer["escrow-reason"], under: "escrow-reason"))", tone: .bad))]
    }

    private func clock(_ answer: RESPValue) -> String {
        let word = text(answer["clock"], under: "clock")
        guard answer["clock"]?.string == "doubted" else { return word }
        let reason = answer["clock-reason"].flatMap { $0.isNull ? nil : ": \(text($0, under: "clock-reason"))" } ?? ""
        return "\(word)\(reason); nothing is destroyed until annals purge confirm-clock"
    }

    private func oldestExpired(_ answer: RESPValue) -> String {
        guard let seconds = answer["oldest-expired-seconds"]?.integer else { return "nothing waits" }
        let since = zoned(answer["oldest-expired-at"], to: .seconds).map { ", since \($0)" } ?? ""
        return "for \(Figures.duration(seconds: seconds))\(since)"
    }

    /// The receipts of purges, newest first.
    package func receipts(_ receipts: [RESPValue]) -> String {
        var table = Table(
            [.init("receipt", isNumber: true, tone: .dim), timeColumn(), .init("outcome")]
                + Self.receiptAmounts.map { .init($0, isNumber: true) }
                + [.init("intent", isNumber: true, tone: .dim), .init("principal"), .init("of", folds: true)], on: surface)
        return table.render(
            receipts.map { receipt in
                let outcome = text(receipt["outcome"], under: "outcome")
                var cells = [
                    Table.Cell(text(receipt["position"], under: "position")),
                    Table.Cell(receipt["at"]?.integer.map { moment($0, to: .seconds) } ?? "–"),
                    Table.Cell(outcome, tone: outcome == "withdrawn" ? .warning : nil),
                ]
                cells += Self.receiptAmounts.map { Table.Cell(figure(receipt[$0] ?? .null, under: $0)) }
                cells += ["intent", "principal"].map { Table.Cell(text(receipt[$0], under: $0)) }
                return cells + [Table.Cell("\(text(receipt["scope"], under: "scope")): \(basis(of: receipt))")]
            })
    }

    private static let receiptAmounts = ["messages", "bytes", "keys", "partitions"]
}
