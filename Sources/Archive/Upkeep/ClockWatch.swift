import Events
import Synchronization

/// The guard of the clock, what its note says and what the log was told. Upkeep looks at it once a round, and again right before each step
/// that cannot be taken back: a compaction may lie between the two.
struct ClockWatch {
    private var `guard`: ClockGuard
    /// What the note says, if it was written since the start.
    private var noted: ClockGuard?
    /// What the log has been told of.
    private var doubtTold: String?

    init(_ guard: ClockGuard) { self.guard = `guard` }

    /// Why the clock is doubted, if it is.
    mutating func look(_ upkeep: Upkeep) throws(ArchiveFailure) -> String? {
        let core = upkeep.core
        let recorded = core.tail.view().recorded
        let reading = core.readClocks()
        let confirmed = core.clockConfirmed.withLock { confirmed in
            defer { confirmed = nil }
            return confirmed
        }
        // What the clocks did since then is looked at as ever.
        if let confirmed { `guard`.confirm(confirmed.reading, at: confirmed.position) }
        `guard`.take(reading, recorded: recorded == .distantPast ? nil : recorded)
        let doubt = `guard`.doubt
        upkeep.status.withLock { $0.doubt = doubt }
        if doubt != doubtTold, let doubt { upkeep.tell(.clockDoubted(doubt)) }
        doubtTold = doubt
        if let noted, !`guard`.isWorthNoting(behind: noted) { return doubt }
        try ClockNote.write(`guard`, core)
        noted = `guard`
        return doubt
    }
}

extension Core {
    /// Reads both clocks as of one moment: a machine that slept between the one and the other would look like one whose wall clock was set.
    func readClocks() -> ClockReading {
        var wall = clock()
        while true {
            let reading = options.steadyClock(wall)
            let again = clock()
            if abs(again.milliseconds - wall.milliseconds) < 1000 { return reading }
            wall = again
        }
    }
}
