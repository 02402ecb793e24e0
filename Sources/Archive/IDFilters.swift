import Events
import LMDB
import Ledger
import Projections

/// Says of most message ids that a partition has never seen them, without asking the disk.
///
/// Nearly every `send` is new, so the appender would look in vain into each partition of the idempotence window: about a
/// microsecond for each. A filter answers "surely not" or "perhaps"; only the latter is looked up. A partition without a filter is
/// always looked up, so what is missing here costs time and never correctness.
struct IDFilters {
    private var filters: [IDFilter] = []
    private var places: [Int32: Int] = [:]
    /// The one that was used last.
    private var last: (partition: Int32, place: Int)?

    /// Partitions with more messages than this when the archive is opened get no filter: reading their ids would hold up the start.
    private static let buildMax: UInt64 = 2_000_000
    /// So many filters are kept, since an import may touch any number of partitions. None is ever dropped for another: made again
    /// while its first messages are not folded yet, it would lack them.
    private static let filtersMax = 2048

    /// Whether a partition may have a message of this fingerprint. `isThere` says that the partition has a file: asked only where there is
    /// no filter.
    mutating func mayContain(_ fingerprint: UInt64, in partition: Int32, isThere: () -> Bool) -> Bool {
        if let place = place(of: partition) { return filters[place].mayContain(fingerprint) }
        // Whoever brings the first message to a partition makes its filter, as long as there is room for one.
        return filters.count >= Self.filtersMax || isThere()
    }

    private mutating func place(of partition: Int32) -> Int? {
        if let last, last.partition == partition { return last.place }
        guard let place = places[partition] else { return nil }
        last = (partition, place)
        return place
    }

    private mutating func add(_ filter: IDFilter, of partition: Int32) -> Int {
        let place = places[partition] ?? filters.count
        if place == filters.count { filters.append(filter) } else { filters[place] = filter }
        places[partition] = place
        return place
    }

    /// Notes a message. `isNew` says that the partition has none yet, on disk or elsewhere: asked only where there is no filter.
    mutating func insert(_ fingerprint: UInt64, in partition: Int32, isNew: () -> Bool) {
        if let place = place(of: partition) { return filters[place].insert(fingerprint) }
        guard filters.count < Self.filtersMax, isNew() else { return }
        filters[add(IDFilter(), of: partition)].insert(fingerprint)
    }

    /// Reads the ids of a partition that is there already. One that cannot be read goes without.
    mutating func build(for id: PartitionID, of store: Store) throws(ArchiveFailure) {
        do {
            guard let lease = try store.shelf.lease(id) else { return }
            let environment = lease.partition.environment
            let totals = try environment.read { reader in try lease.partition.totals(reader) }
            guard let totals, totals.messages <= Self.buildMax else { return }
            var filter = IDFilter()
            try environment.read { reader in
                try PartitionIndex(in: environment).forEachMessage(reader) { filter.insert($0.rawValue) }
            }
            _ = add(filter, of: id.number)
        } catch {
            let failure = ArchiveFailure(error)
            store.note(failure)
            if !failure.isDamage { throw failure }
        }
    }
}

/// A register-blocked Bloom filter (Putze, Sanders, Singler 2007) that grows: each fingerprint sets four bits of one word.
///
/// 16 bits a fingerprint, of which about one in a hundred strangers is taken for "perhaps". Full levels are kept, and a level of
/// eight times the size begins: each that has to be looked into costs a wait for memory.
struct IDFilter {
    private var levels: [[UInt64]] = [[UInt64](repeating: 0, count: Self.firstWords)]
    private var count = 0

    private static let firstWords = 1 << 10
    private static let perWord = 4

    func mayContain(_ fingerprint: UInt64) -> Bool {
        let bits = Self.bits(of: fingerprint)
        for words in levels where words[Self.index(of: fingerprint, in: words.count)] & bits == bits { return true }
        return false
    }

    mutating func insert(_ fingerprint: UInt64) {
        let last = levels.count - 1
        let words = levels[last].count
        levels[last][Self.index(of: fingerprint, in: words)] |= Self.bits(of: fingerprint)
        count += 1
        guard count >= words * Self.perWord else { return }
        levels.append([UInt64](repeating: 0, count: words * 8))
        count = 0
    }

    private static func index(of fingerprint: UInt64, in count: Int) -> Int {
        Int(truncatingIfNeeded: fingerprint >> 32) & (count - 1)
    }

    private static func bits(of fingerprint: UInt64) -> UInt64 {
        1 << (fingerprint & 63) | 1 << (fingerprint >> 6 & 63) | 1 << (fingerprint >> 12 & 63) | 1 << (fingerprint >> 18 & 63)
    }
}
