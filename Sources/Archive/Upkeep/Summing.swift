import Events
import LMDB
import Ledger
import Projections

/// Writes down sums of the pages of partitions that have come to rest, and of everything at a clean stop: what is compared at the next start.
struct Summing {
    /// When upkeep last looked: a partition that has changed since then is not at rest.
    private var changes: [PartitionID: UInt64] = [:]
    /// Those that have sums, as of which change.
    private var done: [PartitionID: UInt64] = [:]

    /// The one that was compared with its sums last.
    private var compared = PartitionID(.min)
    private var looked = Instant.distantPast
    /// Bytes that were compared and count for later rounds: a large file is read at one go, and rounds are left out behind it.
    private var ahead = 0

    /// So much is read in one round.
    private static let bytesMax = 256 << 20
    /// So much is compared in one round on average, which comes once a minute: 90 GB a day.
    private static let comparedBytesMax = 64 << 20
    /// So much is read at a stop, which somebody waits for; what is left is summed up by the next daemon.
    private static let bytesMaxAtStop = 1 << 30

    /// One round. Says whether there is more to do.
    mutating func run(_ store: Store, before today: PartitionID, isStopping: () -> Bool) throws(ArchiveFailure) -> Bool {
        var bytes = 0
        var isMore = false
        try store.forEachWhole(store.shelf.all.filter { $0 < today }) { (id) throws(ArchiveFailure) in
            let change = store.shelf.lastChange(of: id)
            defer { changes[id] = change }
            guard changes[id] ?? 0 == change, done[id] != change, !isStopping() else { return }
            isMore = isMore || bytes >= Self.bytesMax
            if isMore { return }
            if try store.sum(id) { bytes += DiskUse.bytes(of: store.shelf.path(of: id)) }
            done[id] = change
        }
        return isMore
    }

    /// Compares some partitions with their sums, on from where the last round ended.
    mutating func compareSome(_ core: Core, isStopping: () -> Bool) throws(ArchiveFailure) {
        let (store, now) = (core.store, core.now)
        // Rounds that follow each other at once, because there is more of something else to do, are none of these.
        let isDue = now >= looked.advanced(byMilliseconds: Int64(core.options.purge.tickMilliseconds)) || now < looked
        guard isDue else { return }
        looked = now
        store.vouched.forget()
        let today = store.partition(of: now)
        let all = store.shelf.all.filter { $0 < today }
        let rest = all.filter { $0 > compared }
        var bytes = max(0, ahead - Self.comparedBytesMax)
        defer { ahead = bytes }
        var last = compared
        try store.forEachWhole(rest.isEmpty ? all : rest) { (id) throws(ArchiveFailure) in
            guard bytes < Self.comparedBytesMax, !isStopping() else { return }
            try store.compareAgain(id)
            bytes += DiskUse.bytes(of: store.shelf.path(of: id))
            last = id
        }
        compared = last
    }

    /// The partitions that were written to, the latest first, and the state. Nothing may be written any more.
    ///
    /// Nothing is lost without sums: the next start looks at the pages instead.
    static func runAtStop(_ store: Store) throws(ArchiveFailure) {
        var bytes = 0
        try store.forEachWhole(store.shelf.all.reversed().filter { store.shelf.lastChange(of: $0) > 0 }) { (id) throws(ArchiveFailure) in
            let size = DiskUse.bytes(of: store.shelf.path(of: id))
            guard bytes + size <= Self.bytesMaxAtStop else { return }
            if try store.sum(id) { bytes += size }
        }
        do { try store.state.environment.sumPages() } catch { throw .store(error) }
    }
}

extension Store {
    fileprivate func compareAgain(_ id: PartitionID) throws(ArchiveFailure) {
        do { try shelf.compareAgain(id) } catch { throw .ledger(error) }
    }

    fileprivate func sum(_ id: PartitionID) throws(ArchiveFailure) -> Bool {
        do { return try shelf.sum(id) } catch { throw .ledger(error) }
    }
}
