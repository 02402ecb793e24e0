/// How a compaction goes about it.
package struct CompactionOptions: Sendable {
    /// How much is copied, or compared, in a second at most; 0 for no bound.
    package var bytesPerSecond = 0
    /// How much is copied in one transaction, or compared in one snapshot.
    package var sliceBytes = 2 << 20
    /// Which of the machine's starts this is, by whatever name: a half copy from another one is thrown away. Empty where nobody knows; then
    /// none is gone on with.
    package var boot = ""
    /// What has to stay free on the disk beside the copy.
    package var diskReserveBytes = 0
    /// Whether whoever writes to the partition waits until the copy is made and in its place. Then no write makes the copy stale.
    package var keepsWritersOut = false
    /// What has to be won, in percent of what the file takes, for it to be worth the copy.
    package var minGainPercent = 0
    /// What has to be won at least, whatever the file takes.
    package var minGainBytes = 64 << 10

    package init() {}
}

/// What a compaction asks its surroundings for, and tells them. Everything is called on the thread that runs it.
package struct CompactionConductor {
    /// Waits for so many milliseconds. May come back early; then that slice went faster.
    package var pause: (_ milliseconds: Int) -> Void
    /// Whether to stop before the next slice. The half copy stays for the next time.
    package var isCancelled: () -> Bool = { false }
    /// Told after every slice.
    package var progress: (CompactionProgress) -> Void = { _ in }
    /// Told at every boundary at which a crash leaves another picture on disk.
    package var reached: (CompactionStep) -> Void = { _ in }

    package init(pause: @escaping (_ milliseconds: Int) -> Void) { self.pause = pause }
}

/// How far a compaction is.
package struct CompactionProgress: Hashable, Sendable {
    package enum Phase: Sendable { case copying, comparing }

    package var phase: Phase
    /// The bytes of rows that this phase is done with.
    package var bytesDone: Int
    /// The bytes of the pages in which all rows lie: `bytesDone` ends somewhat below it.
    package var bytesInAll: Int
}

/// The boundaries of a compaction, in their order.
package enum CompactionStep: Sendable, CaseIterable {
    /// There is a copy with a note of what it is of; or one of last time was found.
    case copyBegun
    /// Some rows more are in the copy.
    case sliceCopied
    /// All rows are in the copy.
    case copied
    /// All rows of the copy were found to be those of the partition.
    case compared
    /// The partition's lock has another name. From here to `swapped` no partition may be opened on this thread, nor this one written.
    case lockMovedAside
    /// The copy has the partition's name.
    case renamed
    /// And that is durable, and new leases are of it.
    case swapped
    /// Nothing of the copy is left beside it.
    case cleaned
}

/// What came of a compaction.
package struct CompactionReport: Hashable, Sendable {
    package enum Outcome: Sendable {
        case compacted
        /// There was too little to win.
        case notWorth
        /// The partition was changed again and again meanwhile, or somebody else is compacting it.
        case busy
        /// Stopped on request.
        case cancelled
    }

    package var outcome: Outcome
    /// What the file took on disk before.
    package var bytesBefore: Int
    /// What the file in its place takes.
    package var bytesAfter: Int
    /// What the system gets back, as soon as the last reader of the old file has let go of it.
    package var bytesReturned: Int { bytesBefore - bytesAfter }

    init(_ outcome: Outcome, bytesBefore: Int = 0, bytesAfter: Int = 0) {
        self.outcome = outcome
        self.bytesBefore = bytesBefore
        self.bytesAfter = bytesAfter
    }
}

/// Tells of progress, and keeps to the bound of bytes in a second by pausing after each slice.
struct CompactionPacer {
    private let bytesPerSecond: Int
    private let conductor: CompactionConductor
    private var progress = CompactionProgress(phase: .copying, bytesDone: 0, bytesInAll: 0)
    /// Thousandths of bytes that no pause has paid for yet, so that the pauses of many slices add up to what one would be.
    private var owed = 0

    init(_ options: CompactionOptions, _ conductor: CompactionConductor) {
        bytesPerSecond = options.bytesPerSecond
        self.conductor = conductor
    }

    mutating func begin(_ phase: CompactionProgress.Phase, bytesDone: Int, bytesInAll: Int) {
        progress = CompactionProgress(phase: phase, bytesDone: bytesDone, bytesInAll: bytesInAll)
    }

    mutating func slice(_ bytes: Int) {
        progress.bytesDone += bytes
        conductor.progress(progress)
        guard bytesPerSecond > 0 else { return }
        owed += bytes * 1000
        let milliseconds = owed / bytesPerSecond
        owed -= milliseconds * bytesPerSecond
        if milliseconds > 0 { conductor.pause(milliseconds) }
    }
}
