import Glibc
import LMDB
import Projections

/// Lets others have the processor now and then. A thread that computes for milliseconds keeps it for as long as the system's slice is,
/// also from the thread that answers appends when both are on the same one, whatever their priorities are.
struct Breath {
    private var rows = 0
    private var last = Self.now()

    private static let rowsBetweenLooks = 64
    private static let nanosecondsMax: UInt64 = 300_000

    /// To be called for every row of long work, while no lock is held.
    mutating func take() {
        rows += 1
        guard rows.isMultiple(of: Self.rowsBetweenLooks), Self.now() - last > Self.nanosecondsMax else { return }
        // Longer than it says: the system rounds it up. `sched_yield` would not do, since it gives nothing to threads of less priority.
        usleep(20)
        last = Self.now()
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
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
