import Glibc
import LMDB
import Projections

/// Lets others have the processor now and then. A thread that computes for milliseconds keeps it for as long as the system's slice is,
/// also from the thread that answers appends when both are on the same one, whatever their priorities are.
struct Breath {
    private var rows = 0

    /// Some tenths of a millisecond.
    private static let rowsBetween = 256

    /// To be called for every row of long work, while no lock is held. Says whether it waited.
    @discardableResult
    mutating func take() -> Bool {
        rows += 1
        guard rows.isMultiple(of: Self.rowsBetween) else { return false }
        // Longer than it says: the system rounds it up. `sched_yield` would not do, since it gives nothing to threads of less priority.
        usleep(20)
        return true
    }
}

extension PartitionIndex {
    /// `holdings`, with a breath now and then.
    func holdingsAtEase(_ reader: Reader, _ body: (Holding) throws(ProjectionFailure) -> Void) throws(ProjectionFailure) {
        var breath = Breath()
        try holdings(reader) { holding throws(ProjectionFailure) in
            try body(holding)
            breath.take()
        }
    }
}
