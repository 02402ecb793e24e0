import Events
import LMDB
import Ledger
import Projections

/// Makes sure that every run of positions has its partition or its tombstone: otherwise a new partition would take the lost one's place, and
/// nothing tell of the loss.
///
/// Cheap: one look at each run, and into those partitions alone that left once and were made again.
struct StoreCheck {
    private let store: Store
    /// Partitions that left once.
    private let removed: Set<Int32>
    /// Where the files of those begin that were looked into.
    private var firsts: [PartitionID: Position] = [:]

    init(of store: Store) throws(ArchiveFailure) {
        self.store = store
        do {
            removed = try store.state.environment.read { reader in try store.state.removed(reader) }
        } catch { throw ArchiveFailure(error) }
    }

    mutating func run() throws(ArchiveFailure) {
        do {
            try store.state.environment.read { reader in try store.extents.forEach(reader) { extent in try check(extent) } }
        } catch { throw ArchiveFailure(error) }
    }

    private mutating func check(_ extent: Extent) throws {
        let id = extent.partition
        if let run = store.tombstones[id]?.run(of: extent.first), run.last >= extent.last { return }
        guard removed.contains(id.number) else {
            guard store.shelf.contains(id) else { throw store.missing(id) }
            return
        }
        // A partition that was made again begins behind all that left with the one before.
        guard let first = try first(in: id), first <= extent.first else { throw store.missingTombstone(of: id) }
    }

    private mutating func first(in id: PartitionID) throws -> Position? {
        if let known = firsts[id] { return known }
        guard let lease = try store.shelf.lease(id) else { return nil }
        let first = try lease.partition.totalsAndBodies().totals?.first
        firsts[id] = first
        return first
    }
}

extension Store {
    /// Without an event that vouches for it, a tombstone is only somebody's word that a partition left the log.
    ///
    /// One that is older than its partition's last removal may lie there: that removal was cut short, and is gone on with.
    func checkTombstones(against rules: RuleBook) throws(ArchiveFailure) {
        for stone in tombstones.all {
            let removal = rules.removals[stone.partition.number]
            if let removal, removal.vouches(for: stone) || stone.totals.last < removal.last { continue }
            throw .folder(
                path: tombstones.file(of: stone.partition).path,
                reason:
                    "says that its partition left the log, and the log does not; keep a copy of it, and restore the partition from a backup"
            )
        }
    }

    /// A partition that must be there, because the log has events in it.
    func missing(_ id: PartitionID) -> ArchiveFailure {
        .folder(path: shelf.path(of: id), reason: "is not there, though the log has events in it; restore it from a backup")
    }

    fileprivate func missingTombstone(of id: PartitionID) -> ArchiveFailure {
        .folder(
            path: tombstones.file(of: id).path,
            reason: "is not there, though the log has events in it, or is older than the log; restore it, or the partition, from a backup")
    }
}
