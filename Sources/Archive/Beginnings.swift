import Events
import LMDB
import Ledger
import Synchronization

/// The first position of each partition that was looked into. None changes: what comes in later has later positions.
final class Beginnings: Sendable {
    private let known = Mutex<[PartitionID: Position]>([:])

    /// Nil for a partition that was not looked into.
    func first(in id: PartitionID) -> Position? { known.withLock { $0[id] } }

    /// Notes where the partition begins, if its totals and its trail say the same. Where they do not, or cannot be read, it stays unknown:
    /// whoever walks by needs neither.
    func learn(of partition: Partition, _ reader: Reader) {
        if first(in: partition.id) != nil { return }
        do {
            guard let totals = try partition.totals(reader), try partition.firstPosition(reader) == totals.first else { return }
            known.withLock { $0[partition.id] = totals.first }
        } catch {}
    }
}
