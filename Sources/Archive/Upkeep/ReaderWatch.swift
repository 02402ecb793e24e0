import LMDB
import Ledger
import Projections
import Synchronization

/// A snapshot of one of the files that another process has open at a look.
struct ReaderSighting: Hashable, Sendable {
    /// The file.
    var place: String
    var process: Int32
    var transaction: Int
}

/// Who keeps a snapshot open for so long that a file grows by it: LMDB uses no page again that was given up since.
///
/// A process that was stopped in the middle cannot be asked, and must not be read false pages. So it keeps the file that it reads, and the
/// partition goes on in a compacted copy.
struct ReaderWatch {
    /// Whoever was there at the last look, with the size of his file when he was first seen.
    private var known: [ReaderSighting: Int] = [:]

    /// What is known of one who was there at two looks.
    struct Hanging: Hashable, Sendable {
        var sighting: ReaderSighting
        /// By how much his file has grown since he was first seen.
        var growthBytes: Int
        /// Whether this is news.
        var isNew: Bool
    }

    private var told: Set<ReaderSighting> = []

    /// - Parameter sightings: of this look, with the sizes of the files.
    mutating func look(_ sightings: [ReaderSighting: Int]) -> [Hanging] {
        let hanging = sightings.compactMap { sighting, bytes in
            known[sighting].map { Hanging(sighting: sighting, growthBytes: bytes - $0, isNew: !told.contains(sighting)) }
        }
        known = sightings.reduce(into: [:]) { known, seen in known[seen.key] = self.known[seen.key] ?? seen.value }
        told = Set(hanging.map(\.sighting))
        return hanging.sorted { ($0.sighting.place, $0.sighting.process) < ($1.sighting.place, $1.sighting.process) }
    }
}

extension ReaderWatch.Hanging {
    /// For an operator.
    var sentence: String {
        "process \(sighting.process) keeps a snapshot of \(sighting.place) open, which has grown by \(growthBytes >> 20) MiB meanwhile; "
            + "let it go on, or end it"
    }
}

extension Upkeep {
    /// Gives the slots of dead readers free, and says who hangs. Returns the partitions that have grown too much by it.
    func lookAtReaders(_ watch: inout ReaderWatch) throws(ArchiveFailure) -> Set<PartitionID> {
        var sightings: [ReaderSighting: Int] = [:]
        var names: [String: PartitionID] = [:]
        var failure: LMDBError?
        core.store.shelf.withAllOpen { partitions in
            for partition in partitions { names[partition.environment.path] = partition.id }
            do throws(LMDBError) {
                for environment in partitions.map(\.environment) + [core.store.state.environment] {
                    try environment.sight(in: &sightings)
                }
            } catch { failure = error }
        }
        if let failure { throw .store(failure) }
        let hanging = watch.look(sightings)
        for one in hanging where one.isNew { tell(.readerHangs(one.sentence)) }
        status.withLock { $0.hangingReader = hanging.first?.sentence }
        return Set(hanging.filter { $0.growthBytes > core.options.purge.readerGrowthBytesMax }.compactMap { names[$0.sighting.place] })
    }
}

extension Environment {
    /// The other processes that read it.
    fileprivate func sight(in sightings: inout [ReaderSighting: Int]) throws(LMDBError) {
        try checkReaders()
        let others = try foreignReaders()
        if others.isEmpty { return }
        let bytes = try information().allocatedBytes
        for slot in others { sightings[ReaderSighting(place: path, process: slot.process, transaction: slot.transaction)] = bytes }
    }
}
