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
    /// Those whose filters have only what came since the archive was opened.
    private(set) var unread: Set<Int32> = []
    /// The one that was used last.
    private var last: (partition: Int32, place: Int)?

    /// So many filters are kept, since an import may touch any number of partitions. None is ever dropped for another: made again
    /// while its first messages are not folded yet, it would lack them.
    private static let filtersMax = 2048

    /// Whether a partition may have a message of this fingerprint. `isThere` says that the partition has a file: asked only where there is
    /// no filter.
    mutating func mayContain(_ fingerprint: UInt64, in partition: Int32, isThere: () -> Bool) -> Bool {
        if let place = place(of: partition) { return filters[place].mayContain(fingerprint) || unread.contains(partition) }
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

    /// Reads the ids of a partition that is there already, unless they are too many. One that cannot be read goes without.
    mutating func build(for id: PartitionID, of store: Store, messagesMax: UInt64) throws(ArchiveFailure) {
        guard let messages = try store.messages(in: id) else { return }
        if messages > messagesMax {
            _ = add(IDFilter(), of: id.number)
            unread.insert(id.number)
        } else if let filter = try store.filter(of: id) {
            _ = add(filter, of: id.number)
        }
    }

    /// Takes what a partition had when the archive was opened, read since then.
    mutating func join(_ filter: IDFilter, of partition: Int32) {
        guard unread.remove(partition) != nil, let place = places[partition] else { return }
        filters[place].join(filter)
    }
}

extension Store {
    /// Nil for a partition that is not there, or cannot be read.
    fileprivate func messages(in id: PartitionID) throws(ArchiveFailure) -> UInt64? {
        do {
            guard let lease = try shelf.lease(id) else { return nil }
            return try lease.partition.environment.read { reader in try lease.partition.totals(reader)?.messages }
        } catch { return try nothing(because: ArchiveFailure(error)) }
    }

    /// A filter of all message ids that are folded into a partition. Nil for one that is not there, or cannot be read to its end.
    ///
    /// - Parameter isStopping: asked now and then, behind a breath; nil where nobody is served yet who needs the processor.
    func filter(of id: PartitionID, isStopping: (() -> Bool)? = nil) throws(ArchiveFailure) -> IDFilter? {
        do {
            guard let lease = try shelf.lease(id) else { return nil }
            let environment = lease.partition.environment
            var filter = IDFilter()
            var breath = Breath()
            var isStopped = false
            try environment.read { reader in
                try PartitionIndex(in: environment).forEachMessage(reader) { message in
                    if isStopped { return }
                    filter.insert(message.rawValue)
                    if let isStopping, breath.take() { isStopped = isStopping() }
                }
            }
            return isStopped ? nil : filter
        } catch { return try nothing(because: ArchiveFailure(error)) }
    }

    /// What is damaged is noted, and gives nothing.
    private func nothing<Result>(because failure: ArchiveFailure) throws(ArchiveFailure) -> Result? {
        note(failure)
        if failure.isDamage { return nil }
        throw failure
    }
}
