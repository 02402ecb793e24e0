import Ledger
import Synchronization

/// Large partitions whose ids were not read when the archive was opened, until upkeep has read them and the appender has taken them.
///
/// Until then each `send` of their time is looked for in all runs of their ids.
final class UnreadFilters: Sendable {
    private let waiting = Mutex<[PartitionID]>([])
    private let read = Mutex<[(partition: Int32, filter: IDFilter)]>([])
    private let isAnyRead = Atomic(false)

    func add(_ partitions: [PartitionID]) { waiting.withLock { $0 += partitions } }

    /// Reads them, on upkeep's thread. One that is damaged goes without a filter; after another failure it is tried again.
    func read(from store: Store, isStopping: @escaping () -> Bool) throws(ArchiveFailure) {
        while let id = waiting.withLock({ $0.popLast() }) {
            let filter: IDFilter?
            do { filter = try store.filter(of: id, isStopping: isStopping) } catch {
                add([id])
                throw error
            }
            guard let filter else { continue }
            read.withLock { $0.append((id.number, filter)) }
            isAnyRead.store(true, ordering: .releasing)
        }
    }

    /// What was read since the last time. Asked at each commit, so it costs nothing when nothing was.
    func take() -> [(partition: Int32, filter: IDFilter)] {
        guard isAnyRead.exchange(false, ordering: .acquiring) else { return [] }
        return read.withLock { read in
            defer { read = [] }
            return read
        }
    }
}
