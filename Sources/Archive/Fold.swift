import Events
import LMDB
import Ledger
import Merkle
import Projections
import Vault

/// Moves journaled events to where they live: first each partition, in one synced transaction with all its indexes,
/// then the state, in one more.
///
/// Both remember how far they have come, in the same transaction. So a crash between any two of them is mended by
/// folding the same events again: what is there is left out, and folding twice changes nothing.
struct Fold {
    let store: Store
    /// As far as is folded. Nil after a failure, and before the first fold: then it is read from the store.
    private var growth: TreeGrowth?
    private let growsTree: Bool

    /// - Parameter growsTree: false only to measure what the audit tree costs; the next start makes up for it.
    init(store: Store, growsTree: Bool = true) {
        self.store = store
        self.growsTree = growsTree
    }

    /// Folds all events of the batches. When this returns, they need the journal no more.
    mutating func run(_ batches: ArraySlice<Batch>) throws(ArchiveFailure) {
        guard let last = batches.last?.last else { return }
        let before = try store.progress()
        guard last > before.position else { return }
        var growth = try takeGrowth(at: before.position)
        var split = split(batches, after: before.position, &growth)
        var meanings: [PartitionID: Meaning] = [:]
        for id in split.byPartition.keys.sorted() {
            let shares = split.byPartition.removeValue(forKey: id) ?? []
            meanings[id] = try fold(shares, into: id)
        }
        try store.learn(meanings, split.runs, &growth, before: before, last: last)
        self.growth = growth
    }

    private mutating func takeGrowth(at position: Position) throws(ArchiveFailure) -> TreeGrowth? {
        guard growsTree else { return nil }
        let size = TreeSize(through: position)
        defer { growth = nil }
        if let growth, growth.size == size { return growth }
        return TreeGrowth(try AuditTree(store).frontier(at: size))
    }

    /// Neighbours in a batch that belong to one partition: mostly all of a batch, so that nothing is counted or looked up for each event.
    private struct Share {
        var batch: Batch
        var indexes: Range<Int>

        func position(at index: Int) -> Position { batch.position(at: index) }

        /// Those of them up to a position, or those behind it.
        func part(_ isIncluded: (Position) -> Bool) -> Share? {
            guard let first = indexes.first(where: { isIncluded(position(at: $0)) }),
                let last = indexes.last(where: { isIncluded(position(at: $0)) })
            else { return nil }
            return Share(batch: batch, indexes: first..<last + 1)
        }
    }

    /// The events by partition, and the runs of positions that the partitions got.
    private struct Split {
        var byPartition: [PartitionID: [Share]] = [:]
        var runs: [Extent] = []

        mutating func add(_ share: Share, to id: PartitionID) {
            byPartition[id, default: []].append(share)
            let (first, last) = (share.position(at: share.indexes.lowerBound), share.position(at: share.indexes.upperBound - 1))
            if let run = runs.last, run.partition == id {
                runs[runs.count - 1].last = last
            } else {
                runs.append(Extent(first: first, last: last, partition: id))
            }
        }
    }

    private func split(_ batches: ArraySlice<Batch>, after position: Position, _ growth: inout TreeGrowth?) -> Split {
        var split = Split()
        for batch in batches where batch.last > position {
            var begun: (id: PartitionID, index: Int)?
            for index in batch.entries.indices where batch.position(at: index) > position {
                batch.withTrail(at: index) { record in growth?.append(record) }
                let id = store.partition(of: batch.entries[index].at)
                if id == begun?.id { continue }
                if let begun { split.add(Share(batch: batch, indexes: begun.index..<index), to: begun.id) }
                begun = (id, index)
            }
            if let begun { split.add(Share(batch: batch, indexes: begun.index..<batch.entries.count), to: begun.id) }
        }
        return split
    }

    /// Returns what the state has to learn: the same meaning, unless a crash came between the partition and the state.
    private func fold(_ shares: [Share], into id: PartitionID) throws(ArchiveFailure) -> Meaning {
        do {
            let lease = try store.shelf.lease(making: id)
            let partition = lease.partition
            let known = try partition.environment.read { reader in try partition.totals(reader) }
            let threshold = known?.last ?? .none
            let old = shares.compactMap { $0.part { $0 <= threshold } }
            try check(old, areIn: partition)
            let news = shares.compactMap { $0.part { $0 > threshold } }
            let meaning = try meaning(of: news)
            if meaning.events > 0 {
                var totals = known ?? PartitionTotals(first: meaning.first)
                totals.add(meaning)
                _ = try store.shelf.write(to: id, making: true) { partition, transaction in
                    for share in news { try append(share, to: partition, &transaction) }
                    let index = PartitionIndex(in: partition.environment)
                    try index.add(meaning.rows, meaning.gains.all, &transaction)
                    try index.addHoldings(meaning.holdings.all, &transaction)
                    try partition.write(totals, &transaction)
                }
            }
            return old.isEmpty ? meaning : try self.meaning(of: shares)
        } catch { throw ArchiveFailure(error) }
    }

    /// What is left out must be there already, and be the same: otherwise a position was given out twice, and an answered event
    /// would vanish. Only after a crash is there anything to compare.
    private func check(_ shares: [Share], areIn partition: Partition) throws {
        guard !shares.isEmpty else { return }
        try partition.environment.read { reader in
            for share in shares {
                for index in share.indexes {
                    guard try share.batch.isSame(at: index, in: partition, reader) == true else {
                        throw ArchiveFailure.damaged(
                            place: partition.environment.path,
                            .malformed("event at \(share.position(at: index)), which is not the one that the journal has"))
                    }
                }
            }
        }
    }

    private func meaning(of shares: [Share]) throws(TrailFault) -> Meaning {
        var meaning = Meaning()
        for share in shares {
            let batch = share.batch
            for index in share.indexes {
                let names = IndexedNames(conversation: batch.conversations[index], message: batch.messages[index])
                try batch.withTrailAndBody(at: index) { (record, stored) throws(TrailFault) in
                    _ = try meaning.add(record, names, key: SealedBody.keyID(of: stored), fingerprints: store.fingerprints)
                }
            }
        }
        return meaning
    }

    private func append(_ share: Share, to partition: Partition, _ transaction: inout WriteTransaction) throws(LMDBError) {
        for index in share.indexes {
            try share.batch.withTrailAndBody(at: index) { (record, body) throws(LMDBError) in
                try partition.append(share.position(at: index), record: record.bytes, body: body.bytes, &transaction)
            }
        }
    }
}

extension Batch {
    /// Whether a partition has just the record of an event; nil if it has none at that position.
    func isSame(at index: Int, in partition: Partition, _ reader: Reader) throws(LMDBError) -> Bool? {
        let key = position(at: index).key
        return try reader.lend(key.span.bytes, in: partition.trail) { stored in
            withTrail(at: index) { record in stored.withUnsafeBytes { $0.elementsEqual(record) } }
        }
    }
}

extension PartitionTotals {
    mutating func add(_ meaning: Meaning) {
        last = meaning.last
        events += meaning.events
        messages += meaning.messages
        bodyBytes += meaning.bodyBytes
        recorded = max(recorded, meaning.recorded)
    }
}
