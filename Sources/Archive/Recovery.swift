import Events
import Journal
import LMDB
import Ledger
import Projections
import Vault

/// Brings back what a crash left in the journal.
struct Recovery {
    let store: Store
    private(set) var tail: Tail
    private(set) var rules: RuleBook
    private(set) var recentIDs = RecentIDs()
    private(set) var recentDeletes = RecentDeletes()
    private(set) var filters = IDFilters()
    /// The keys that bodies of the tail are sealed under.
    private(set) var keys: Set<KeyID> = []
    private let progress: StateFile.Progress

    init(store: Store, progress: StateFile.Progress) throws(ArchiveFailure) {
        self.store = store
        self.progress = progress
        tail = Tail(end: progress.position, recorded: progress.recorded)
        do {
            rules = try store.state.environment.read { reader in try store.state.ruleBook(reader) }
        } catch { throw ArchiveFailure(error) }
    }

    /// Puts every batch behind the folded ones into the tail.
    mutating func replay(_ journal: inout Journal) throws(ArchiveFailure) {
        do {
            var records = journal.records()
            while let record = try records.next() {
                let batch = try Batch(reading: record, fingerprints: store.fingerprints)
                if batch.last <= progress.position { continue }
                try join(batch)
                try take(batch)
            }
            try checkState()
        } catch let fault as TrailFault {
            throw .damaged(place: "the journal", fault)
        } catch {
            throw ArchiveFailure(error)
        }
    }

    /// Makes sure that a batch follows what is there.
    private mutating func join(_ batch: Batch) throws {
        let next = tail.end.next
        if batch.first == next { return }
        // A rebuild in the middle of a fold can leave the state in the middle of a batch: then the tail begins with all of it.
        if tail.isEmpty, batch.first < next {
            tail = Tail(end: Position(batch.first.rawValue - 1), recorded: progress.recorded)
            return
        }
        if tail.isEmpty { throw staleState("ends at \(tail.end), and the journal begins at \(batch.first)") }
        throw TrailFault.malformed("place in the journal (\(batch.first) follows \(tail.end))")
    }

    /// A state, and a journal, that are older than what lies beside them would give positions out again.
    ///
    /// Partitions are folded before the state, but never beyond the journal's end. They are all looked into: an import may have put the
    /// last events anywhere.
    private func checkState() throws {
        let beginsAnew = tail.isEmpty || tail.view().first == .first
        if progress == .start, !store.shelf.all.isEmpty, !(beginsAnew && !tail.isEmpty) {
            throw staleState("knows of no events, though there are partitions")
        }
        for stone in store.tombstones.all {
            try check(store.tombstones.file(of: stone.partition).path, endingAt: stone.totals.last)
        }
        defer { store.shelf.closeIdle() }
        for id in store.shelf.all {
            guard let last = end(of: id), last > tail.end else { continue }
            // It may be damaged: what it says counts only if its pages are what was written there.
            store.shelf.closeIdle()
            if let last = end(of: id, isCompared: true) { try check(store.shelf.path(of: id), endingAt: last) }
        }
    }

    private func check(_ path: String, endingAt last: Position) throws(ArchiveFailure) {
        if last <= tail.end { return }
        throw staleState("ends at \(tail.end) with all of the journal, and is older than \(path), which goes to \(last)")
    }

    /// Nil for a partition without events, and for one that cannot be read: whoever asks for what is in it is told why, and all others are
    /// served.
    private func end(of id: PartitionID, isCompared: Bool = false) -> Position? {
        do {
            guard let lease = try store.shelf.lease(id, isCompared: isCompared) else { return nil }
            let partition = lease.partition
            return try partition.environment.read { reader in try partition.totals(reader)?.last }
        } catch { return nil }
    }

    private func staleState(_ reason: String) -> ArchiveFailure {
        .folder(path: store.state.environment.path, reason: "\(reason); run 'annalsd rebuild' on the data folder, then start again")
    }

    private mutating func take(_ batch: Batch) throws(TrailFault) {
        var recorded = Instant.distantPast
        for index in batch.entries.indices {
            let position = batch.position(at: index)
            let event = try batch.withTrail(at: index) { (record) throws(TrailFault) in try Event(decoding: record) }
            recorded = max(recorded, event.recorded)
            switch event.deed {
            case .send:
                batch.withTrailAndBody(at: index) { _, stored in
                    if let key = SealedBody.keyID(of: stored) { keys.insert(key) }
                }
                let partition = store.partition(of: event.at)
                recentIDs.insert(batch.messages[index], at: position)
                filters.insert(batch.messages[index], in: partition.number) { !store.shelf.contains(partition) }
            case .localDelete(let deletion):
                if let tenant = event.tenant {
                    recentDeletes.note(deletion, tenant: tenant, cause: .init(position: position, at: event.at))
                }
            default: rules.apply(event)
            }
        }
        _ = tail.publish(batch, recorded: recorded)
    }

    /// Filters for the partitions that a live `send` is looked for in.
    mutating func buildFilters(around now: Instant, _ options: ArchiveOptions) throws(ArchiveFailure) {
        let newest = store.partition(of: max(now, progress.recorded)).number
        let oldest = store.partition(of: now.advanced(byMilliseconds: -options.idempotenceMilliseconds)).number
        for number in min(oldest, newest - 1)...newest {
            try filters.build(for: PartitionID(number), of: store, messagesMax: options.filterMessagesMax)
        }
        for batch in tail.view().batches {
            for index in batch.entries.indices where batch.entries[index].kind == .send {
                let partition = store.partition(of: batch.entries[index].at)
                filters.insert(batch.messages[index], in: partition.number) { false }
            }
        }
    }
}
