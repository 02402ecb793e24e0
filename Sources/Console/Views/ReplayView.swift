import Archive
import Events

/// What a replay found, for people and for programs.
struct ReplayView {
    private let log: ReplayedLog
    private let view: View

    init(_ log: ReplayedLog, _ view: View) {
        self.log = log
        self.view = view
    }

    func text(_ tallies: [TenantID: ReplayedLog.Tally]) -> String {
        let card = view.card([
            ("position", Table.Cell("\(log.position)")), ("time", Table.Cell(time)), ("digest", Table.Cell(log.digest.hexText)),
        ])
        guard !tallies.isEmpty else { return card }
        let numbers = ["messages", "visible", "hidden", "expired", "held", "purged"].map { Table.Column($0, isNumber: true) }
        var table = Table([.init("tenant")] + numbers, on: view.surface)
        return card + "\n"
            + table.render(
                tallies.sorted { $0.key < $1.key }.map { tenant, tally in
                    [Table.Cell(Harmless.text(tenant.text))] + counts(tally).map { Table.Cell(Figures.count($0.1)) }
                })
    }

    private var time: String {
        log.position == .none ? "before the first event" : "\(view.moment(Int(log.time.milliseconds))) \(view.zone.name)"
    }

    private func counts(_ tally: ReplayedLog.Tally) -> [(String, Int)] {
        [
            ("messages", tally.messages), ("visible", tally.visible), ("hidden", tally.hidden), ("expired", tally.expired),
            ("held", tally.held), ("purged", tally.purged),
        ]
    }

    func json(_ tallies: [TenantID: ReplayedLog.Tally]) -> JSON {
        let tenants = tallies.sorted { $0.key < $1.key }.map { tenant, tally in
            JSON.Member(tenant.text, .object(counts(tally).map { .init($0.0, .integer(Int64($0.1))) }))
        }
        return .object([
            .init("position", .integer(Int64(clamping: log.position.rawValue))), .init("at", .integer(log.time.milliseconds)),
            .init("digest", .string(log.digest.hexText)), .init("tenants", .object(tenants)),
        ])
    }

    static func json(_ message: ReplayedLog.Message) -> JSON {
        .object([
            .init("position", .integer(Int64(clamping: message.position.rawValue))), .init("at", .integer(message.at.milliseconds)),
            .init("tenant", .string(message.tenant.text)), .init("conversation", .string(message.conversation.text)),
            .init("id", .string(message.id.text)), .init("state", .string(message.state.rawValue)), .init("held", .bool(message.isHeld)),
            .init("hidden-from", .array(message.hiders.sorted().map { .string($0.text) })),
            .init("receipt", message.receipt.map { .integer(Int64(clamping: $0.rawValue)) } ?? .null),
        ])
    }
}
