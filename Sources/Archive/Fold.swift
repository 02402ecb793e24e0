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
            let references = split.byPartition.removeValue(forKey: id) ?? []
            meanings[id] = try fold(references, into: id)
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

    /// An event, by its batch and place.
    private struct Reference {
        var batch: Batch
        var index: Int
        var position: Position { batch.position(at: index) }
    }

    /// The events by partition, and the runs of positions that the partitions got.
    private struct Split {
        var byPartition: [PartitionID: [Reference]] = [:]
        var runs: [Extent] = []
    }

    private func split(_ batches: ArraySlice<Batch>, after position: Position, _ growth: inout TreeGrowth?) -> Split {
        var split = Split()
        for batch in batches where batch.last > position {
            for index in batch.entries.indices where batch.position(at: index) > position {
                let reference = Reference(batch: batch, index: index)
                growth?.append(batch.withTrail(at: index) { TreeHash(leaf: $0) })
                let id = store.partition(of: batch.entries[index].at)
                split.byPartition[id, default: []].append(reference)
                if let run = split.runs.last, run.partition == id {
                    split.runs[split.runs.count - 1].last = reference.position
                } else {
                    split.runs.append(Extent(first: reference.position, last: reference.position, partition: id))
                }
            }
        }
        return split
    }

    /// Returns what the state has to learn: the same meaning, unless a crash came between the partition and the state.
    private func fold(
        _ references: [Reference], into id: PartitionID
    ) throws(ArchiveFailure) -> Meaning {
        do {
            let lease = try store.shelf.lease(making: id)
            let partition = lease.partition
            let known = try partition.environment.read { reader in try partition.totals(reader) }
            let threshold = known?.last ?? .none
            try check(references.prefix { $0.position <= threshold }, areIn: partition)
            let news = references.filter { $0.position > threshold }
            let meaning = try meaning(of: news)
            if let first = news.first?.position {
                var totals = known ?? PartitionTotals(first: first)
                totals.add(meaning)
                _ = try store.shelf.write(to: id, making: true) { partition, transaction in
                    for reference in news { try append(reference, to: partition, &transaction) }
                    let index = PartitionIndex(in: partition.environment)
                    try index.add(meaning.rows, meaning.gains.counted(), &transaction)
                    try index.addHoldings(meaning.holdings.all, &transaction)
                    try partition.write(totals, &transaction)
                }
            }
            return news.count == references.count ? meaning : try self.meaning(of: references)
        } catch { throw ArchiveFailure(error) }
    }

    /// What is left out must be there already, and be the same: otherwise a position was given out twice, and an answered event
    /// would vanish. Only after a crash is there anything to compare.
    private func check(_ references: ArraySlice<Reference>, areIn partition: Partition) throws {
        guard !references.isEmpty else { return }
        try partition.environment.read { reader in
            for reference in references {
                let key = reference.position.key
                let stored = try reader.lend(key.span.bytes, in: partition.trail) { stored in
                    reference.batch.withTrail(at: reference.index) { record in stored.withUnsafeBytes { $0.elementsEqual(record) } }
                }
                guard stored == true else {
                    throw ArchiveFailure.damaged(
                        place: partition.environment.path,
                        .malformed("event at \(reference.position), which is not the one that the journal has"))
                }
            }
        }
    }

    private func meaning(of references: [Reference]) throws(TrailFault) -> Meaning {
        var meaning = Meaning()
        for reference in references {
            let batch = reference.batch
            let names = IndexedNames(
                conversation: batch.conversations[reference.index], message: batch.messages[reference.index])
            try batch.withTrailAndBody(at: reference.index) { (record, stored) throws(TrailFault) in
                _ = try meaning.add(record, names, key: SealedBody.keyID(of: stored), fingerprints: store.fingerprints)
            }
        }
        return meaning
    }

    private func append(
        _ reference: Reference, to partition: Partition, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        try reference.batch.withTrailAndBody(at: reference.index) { (record, body) throws(LMDBError) in
            try partition.append(reference.position, record: record.bytes, body: body.bytes, &transaction)
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
