import Events
import LMDB
import Ledger
import Projections

/// What a partition's index says is present, against the bodies that are there: what it does not know of, a purge would destroy with
/// its neighbours, whatever hold keeps it. So nothing is planned or destroyed by an index that counts too few.
struct PresenceCount {
    private var living: UInt64 = 0
    private var all: UInt64 = 0

    /// - Parameter isLiving: whether there is a key for them. Of others the bodies are deleted in slices, and the count at the end.
    mutating func add(_ messages: UInt64, isLiving: Bool) {
        all += messages
        if isLiving { living += messages }
    }

    /// As of the moment that the count is of.
    func check(of partition: Partition, _ reader: Reader) throws {
        let bodies = UInt64(try reader.count(of: partition.bodies))
        if living <= bodies, bodies <= all { return }
        let counted = living == all ? "\(all)" : "\(living) to \(all)"
        throw ArchiveFailure.damaged(
            place: partition.environment.path,
            .malformed("table holdings, which counts \(counted) messages where \(bodies) are; stop the daemon and run 'annalsd rebuild'"))
    }
}
