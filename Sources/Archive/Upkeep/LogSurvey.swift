import Events
import Glibc
import Journal
import LMDB
import Ledger
import Projections

/// Where every position lies, by the partitions' own keys, the tombstones and, behind the last fold, the journal.
struct LogSurvey {
    /// In order and without gaps.
    private(set) var runs: [Extent] = []
    /// The end of what is there without a gap. A crash in the midst of a fold leaves some partitions ahead of others:
    /// what lies behind the gap is in the journal still, and the state learns it from there.
    private(set) var end = Position.none
    /// Those that are in the log: the file of one that left it may still be there, when a removal was cut short.
    private(set) var partitions: [PartitionID] = []
    private let store: Store
    /// Where each of the partitions ends.
    private var ends: [PartitionID: Position] = [:]

    /// Throws if there is a gap that the journal does not fill: what is behind it would be dropped, and its positions given out again.
    init(of store: Store, in folder: DataFolder) throws(ArchiveFailure) {
        self.store = store
        var found = store.tombstones.all.flatMap(\.runs)
        for id in store.shelf.all {
            do { found += try look(into: id) } catch { throw ArchiveFailure(error) }
        }
        found.sort { $0.first < $1.first }
        for run in found where run.first == end.next {
            runs.append(run)
            end = run.last
        }
        let stranded = found.filter { $0.first > end }
        if stranded.isEmpty { return }
        do { try checkGap(before: stranded, folder) } catch { throw ArchiveFailure(error) }
    }

    private mutating func look(into id: PartitionID) throws -> [Extent] {
        guard let lease = try store.shelf.lease(id) else { return [] }
        let partition = lease.partition
        let totals = try partition.totalsAndBodies().totals
        if let totals, store.tombstones[id]?.covers(totals) ?? false { return [] }
        partitions.append(id)
        let found = try partition.environment.read { reader in try partition.runs(reader) }
        ends[id] = found.last?.last
        return found
    }

    private func checkGap(before stranded: [Extent], _ folder: DataFolder) throws {
        // All before a tombstone was folded when it was made, and the state begins behind it: the journal comes too late.
        let isBehindTombstone = stranded.contains { store.tombstones[$0.partition]?.run(of: $0.first) != nil }
        let next = isBehindTombstone ? end.next : try endOfJournal(folder)
        guard let last = stranded.last?.last, next <= last else { return }
        let gapEnd = stranded.first { $0.first > next }.map { Position($0.first.rawValue - 1) } ?? last
        throw ArchiveFailure.folder(
            path: folder.path,
            reason: "lacks the events at positions \(next) to \(gapEnd), which no partition and no tombstone has, and the journal cannot "
                + "give back; restore those files from a backup")
    }

    /// The first position behind `end` that the journal does not have.
    private func endOfJournal(_ folder: DataFolder) throws -> Position {
        var next = end.next
        guard access(folder.journal, F_OK) == 0 else { return next }
        var records = try Journal.scan(folder.journal).records()
        while let record = try records.next() {
            let batch = try Batch(reading: record, fingerprints: store.fingerprints)
            guard batch.last >= next else { continue }
            guard batch.first <= next else { break }
            for index in batch.entries.indices where batch.position(at: index) > end {
                try checkPlace(of: batch.position(at: index), at: batch.entries[index].at)
            }
            next = batch.last.next
        }
        return next
    }

    /// A partition is folded in order. One that goes further than a position and lacks it had it once, and lost it: the journal must not
    /// fold it behind what came later.
    private func checkPlace(of position: Position, at: Instant) throws {
        let id = store.partition(of: at)
        guard let last = ends[id], last > position else { return }
        guard let lease = try store.shelf.lease(id) else { return }
        let partition = lease.partition
        let isThere = try partition.environment.read { reader in
            let key = position.key
            return try reader.contains(key.span.bytes, in: partition.trail)
        }
        guard !isThere else { return }
        throw ArchiveFailure.folder(
            path: store.shelf.path(of: id),
            reason: "lacks the event at \(position), and has later ones; restore it, or its tombstone, from a backup")
    }
}
