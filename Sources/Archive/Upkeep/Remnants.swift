import Events
import LMDB
import Ledger
import Projections

/// Says which records of a partition stay in the log when it leaves: rules, which count beyond their day, and local deletes of messages that
/// lie in other partitions and are still there.
///
/// A delete is of earlier events than itself. So what comes into the log later changes no answer, and a draft that is made again is the same.
/// That holds once everything up to the partition's last event is folded.
struct Remnants {
    private let store: Store
    private let id: PartitionID
    private let last: Position
    /// Partitions that have events from before `last`, once somebody asked.
    private var others: Set<PartitionID>?
    /// The earliest message, by position, of each conversation in them, as far as it was asked for.
    private var earliest: [Scope: Position?] = [:]

    /// - Parameters:
    ///   - last: the last of the events that leave.
    init(of id: PartitionID, through last: Position, in store: Store) {
        self.store = store
        self.id = id
        self.last = last
    }

    mutating func isKept(_ row: TrailWalk.Row) throws -> Bool {
        if row.fields.kind.isRule { return true }
        guard row.fields.kind == .localDelete else { return false }
        let event = try row.event()
        guard case .localDelete(let deletion) = event.deed, let tenant = event.tenant else { return false }
        switch deletion.extent {
        case .messages(let targets): return try targets.contains { try isElsewhere($0.position) }
        case .upTo(let end): return try earliestElsewhere(of: deletion.conversation, tenant).map { $0 <= end } ?? false
        }
    }

    private func isElsewhere(_ position: Position) throws -> Bool {
        guard let extent = try store.extent(of: position) else { return true }
        return extent.partition != id && store.tombstones[extent.partition]?.run(of: position) == nil
    }

    /// No tombstone keeps a message, so only partitions are asked. (Two conversations may share a fingerprint: then a delete stays that
    /// might have left.)
    private mutating func earliestElsewhere(of conversation: ConversationID, _ tenant: TenantID) throws -> Position? {
        let scope = Scope.conversation(tenant, conversation)
        if let known = earliest[scope] { return known }
        let numbers = try store.state.environment.read { reader in
            try store.state.conversations.partitions(tenant, conversation, reader)
        }
        let others = try othersWithEarlierEvents()
        let fingerprint = store.fingerprints.of(conversation, in: tenant)
        var found: Position?
        for other in numbers.map({ PartitionID($0) }) where others.contains(other) {
            guard let lease = try store.shelf.lease(other) else { continue }
            let environment = lease.partition.environment
            let first = try environment.read { reader in try PartitionIndex(in: environment).earliest(of: fingerprint, reader) }
            if let first { found = min(found ?? first, first) }
        }
        earliest[scope] = .some(found)
        return found
    }

    private mutating func othersWithEarlierEvents() throws -> Set<PartitionID> {
        if let others { return others }
        var found: Set<PartitionID> = []
        for other in store.shelf.all where other != id {
            guard let lease = try store.shelf.lease(other) else { continue }
            if let first = try lease.partition.totalsAndBodies().totals?.first, first < last { found.insert(other) }
        }
        others = found
        return found
    }
}
