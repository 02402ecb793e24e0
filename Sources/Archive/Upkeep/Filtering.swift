import Events
import LMDB
import Ledger
import Projections

/// Makes the filters of partitions that have come to rest, so that a question for an id need not look into each of them.
struct Filtering {
    /// When upkeep last looked: a partition that has changed since then is not at rest.
    private var changes: [PartitionID: UInt64] = [:]
    /// Those that get none until they change: too large, or damaged.
    private var without: Set<PartitionID> = []

    /// So many ids are read in one round: about a tenth of a second.
    private static let idsMax = 1_000_000
    /// A partition with more has no filter: it would be one value of more than six megabytes, written while the fold waits.
    private static let filterMax = 1 << 22

    /// One round. Says whether there is more to do.
    mutating func run(_ core: Core, before today: PartitionID, isStopping: () -> Bool) throws(ArchiveFailure) -> Bool {
        let store = core.store
        var ids = 0
        for id in store.shelf.all where id < today && store.shelf.damage(of: id) == nil {
            let change = store.shelf.lastChange(of: id)
            defer { changes[id] = change }
            if changes[id] != change { without.remove(id) }
            // At the first look of all, nothing was written since the start.
            guard changes[id] ?? 0 == change, !without.contains(id) else { continue }
            if isStopping() { return false }
            if ids >= Self.idsMax { return true }
            if let made = try make(id, at: change, store) { ids += made } else { without.insert(id) }
        }
        return false
    }

    /// Returns how many ids were read; nil where there is to be no filter.
    private func make(_ id: PartitionID, at change: UInt64, _ store: Store) throws(ArchiveFailure) -> Int? {
        do {
            let isThere = try store.state.environment.read { reader in try store.filters.has(id.number, reader) }
            guard !isThere, let lease = try store.shelf.lease(id) else { return 0 }
            let index = PartitionIndex(in: lease.partition.environment)
            let made = try lease.partition.environment.read { reader in
                try index.count(reader) <= Self.filterMax ? try index.filter(reader) : nil
            }
            guard let (filter, count) = made else { return nil }
            try store.state.environment.write { transaction in
                // What was folded meanwhile changed the partition first, and takes the row away only then: behind this transaction.
                guard store.shelf.lastChange(of: id) == change else { return }
                try store.filters.put(filter, of: id.number, &transaction)
            }
            return count
        } catch {
            let failure = ArchiveFailure(error)
            store.note(failure)
            if failure.isDamage { return nil }
            throw failure
        }
    }
}
