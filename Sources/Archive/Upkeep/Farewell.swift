import Events
import LMDB
import Ledger
import Projections

/// Works out what the state must forget of a partition that leaves. Reads only.
struct Farewell {
    private let core: Core
    private let stone: Tombstone
    private let kept: Set<Position>

    init(_ core: Core, _ stone: Tombstone) {
        self.core = core
        self.stone = stone
        kept = Set(stone.kept.map(\.position))
    }

    func departure() throws -> Departure {
        var departure = Departure(
            partition: stone.partition.number, digest: stone.digest, runs: stone.runs.map { $0.first...$0.last })
        var leaving: [Scope: Departure.Conversation] = [:]
        if let lease = try core.store.shelf.lease(stone.partition) {
            var walk = TrailWalk(of: lease.partition)
            while let slice = try walk.next() {
                for row in slice where !kept.contains(row.position) { try note(row.event(), &leaving, &departure) }
            }
        }
        try findHeirs(of: &leaving)
        departure.conversations = Array(leaving.values)
        return departure
    }

    private func note(_ event: Event, _ leaving: inout [Scope: Departure.Conversation], _ departure: inout Departure) {
        guard let tenant = event.tenant, let name = event.conversation else { return }
        let scope = Scope.conversation(tenant, name)
        var conversation = leaving[scope] ?? Departure.Conversation(tenant: tenant, name: name, messages: 0, last: event.position)
        conversation.last = max(conversation.last, event.position)
        switch event.deed {
        case .send: conversation.messages += 1
        case .localDelete(let deletion):
            guard case .upTo = deletion.extent else { break }
            departure.clears.append(
                .init(tenant: tenant, conversation: name, viewer: deletion.viewer, position: event.position))
        default: break
        }
        leaving[scope] = conversation
    }

    /// Finds the last event that stays, for conversations whose last event leaves.
    ///
    /// Events come in order of time, but for imports. So hardly ever has another partition an event that is earlier in the log than the last
    /// one of those that leave, and only such partitions are looked through.
    private func findHeirs(of leaving: inout [Scope: Departure.Conversation]) throws {
        var heirs: [Scope: Position] = [:]
        let store = core.store
        try store.state.environment.read { reader in
            for (scope, conversation) in leaving {
                let last = try store.state.conversations.summary(conversation.tenant, conversation.name, reader)?.last
                if last == conversation.last { heirs[scope] = Position.none }
            }
        }
        guard let end = heirs.keys.compactMap({ leaving[$0]?.last }).max() else { return }
        for id in store.shelf.all where id != stone.partition { try look(through: id, before: end, &heirs) }
        for other in store.tombstones.all {
            for one in other.kept { Self.take(try Event(decoding: one.record), &heirs) }
        }
        for (scope, heir) in heirs where heir != .none { leaving[scope]?.heir = heir }
    }

    private func look(through id: PartitionID, before end: Position, _ heirs: inout [Scope: Position]) throws {
        guard let lease = try core.store.shelf.lease(id) else { return }
        let partition = lease.partition
        let totals = try partition.environment.read { reader in try partition.totals(reader) }
        guard let totals, totals.first < end else { return }
        var walk = TrailWalk(of: partition, through: end)
        while let slice = try walk.next() { for row in slice { Self.take(try row.event(), &heirs) } }
    }

    private static func take(_ event: Event, _ heirs: inout [Scope: Position]) {
        guard let tenant = event.tenant, let name = event.conversation else { return }
        let scope = Scope.conversation(tenant, name)
        if let known = heirs[scope], known < event.position { heirs[scope] = event.position }
    }
}
