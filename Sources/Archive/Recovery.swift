import Events
import Journal
import LMDB
import Ledger
import Projections

/// Brings back what a crash left in the journal.
struct Recovery {
    let store: Store
    let tail: Tail
    private(set) var book: PolicyBook
    private(set) var recentIDs = RecentIDs()
    private(set) var recentDeletes = RecentDeletes()
    private(set) var filters = IDFilters()
    private let progress: StateFile.Progress

    init(store: Store, progress: StateFile.Progress) throws(ArchiveFailure) {
        self.store = store
        self.progress = progress
        tail = Tail(end: progress.position, recorded: progress.recorded)
        do {
            book = try store.state.environment.read { reader in try store.state.policyBook(reader) }
        } catch { throw ArchiveFailure(error) }
    }

    /// Puts every batch behind the folded ones into the tail.
    mutating func replay(_ journal: inout Journal) throws(ArchiveFailure) {
        do {
            var records = journal.records()
            while let record = try records.next() {
                let batch = try Batch(reading: record, fingerprints: store.fingerprints)
                if batch.last <= progress.position { continue }
                guard batch.first == tail.end.next else {
                    throw TrailFault.malformed("place in the journal (\(batch.first) follows \(tail.end))")
                }
                try take(batch)
            }
        } catch let fault as TrailFault {
            throw .damaged(place: "the journal", fault)
        } catch {
            throw ArchiveFailure(error)
        }
    }

    private mutating func take(_ batch: Batch) throws(TrailFault) {
        var recorded = Instant.distantPast
        for index in batch.entries.indices {
            let position = batch.position(at: index)
            let event = try batch.withTrail(at: index) { (record) throws(TrailFault) in try Event(decoding: record) }
            recorded = max(recorded, event.recorded)
            switch event.deed {
            case .send:
                let partition = store.partition(of: event.at)
                recentIDs.insert(batch.messages[index], at: position)
                filters.insert(batch.messages[index], in: partition.number) { !store.shelf.contains(partition) }
            case .localDelete(let deletion):
                if let tenant = event.tenant {
                    recentDeletes.note(deletion, tenant: tenant, cause: .init(position: position, at: event.at))
                }
            case .retentionChange(let change): book.record(change, position: position, at: event.at)
            }
        }
        _ = tail.publish(batch, recorded: recorded)
    }

    /// Filters for the partitions that a live `send` is looked for in.
    mutating func buildFilters(around now: Instant, _ options: ArchiveOptions) throws(ArchiveFailure) {
        let newest = store.partition(of: max(now, progress.recorded)).number
        let oldest = store.partition(of: now.advanced(byMilliseconds: -options.idempotenceMilliseconds)).number
        for number in min(oldest, newest - 1)...newest { try filters.build(for: PartitionID(number), of: store) }
        for batch in tail.view().batches {
            for index in batch.entries.indices where batch.entries[index].kind == .send {
                let partition = store.partition(of: batch.entries[index].at)
                filters.insert(batch.messages[index], in: partition.number) { false }
            }
        }
    }
}
