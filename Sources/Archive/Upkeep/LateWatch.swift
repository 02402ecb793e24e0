import Dispatch
import Events
import Synchronization

/// Looks, while a compaction goes on for long, whether something that came in meanwhile must be purged: as often as upkeep looks otherwise.
struct LateWatch {
    private var table: DueTable
    private let periodMilliseconds: Int
    private var nextLook: DispatchTime
    private(set) var isLate = false

    init(_ table: DueTable, periodMilliseconds: Int) {
        self.table = table
        self.periodMilliseconds = periodMilliseconds
        nextLook = .now() + .milliseconds(periodMilliseconds)
    }

    mutating func look(_ upkeep: Upkeep) throws(ArchiveFailure) {
        guard !isLate, DispatchTime.now() >= nextLook else { return }
        nextLook = .now() + .milliseconds(periodMilliseconds)
        _ = try table.refresh(upkeep.core)
        guard table.isLate(at: upkeep.core.now) else { return }
        isLate = try upkeep.doubtOfClock() == nil
    }
}

extension Upkeep {
    /// Whether a compaction gives way. One that cannot be looked at now is looked at again.
    var isPurgeLate: Bool {
        lateWatch.withLock { watch in
            do throws(ArchiveFailure) { try watch?.look(self) } catch { core.store.note(error) }
            return watch?.isLate ?? false
        }
    }
}
