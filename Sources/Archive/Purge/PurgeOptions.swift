package import Events

/// When content is destroyed by itself, and how gently.
package struct PurgeOptions: Sendable {
    /// Whether anything is destroyed without being asked for.
    package var isAutomatic = true
    /// When the daily purge begins, in minutes of the UTC day.
    package var dailyMinute = 3 * 60
    /// No expired message stays longer than this, whatever the time of day.
    package var lagMilliseconds: Int64 = Instant.millisecondsPerDay
    /// How long records of events are kept, from their partition's end on; 184 days at the least.
    package var trailPeriod = Period.forever
    package static let trailPeriodLeast = Period.days(184)
    /// How often is looked whether there is something to do.
    package var tickMilliseconds = 60_000
    /// A partition goes on in a compacted copy when it has grown by so much beside a reader that hangs.
    package var readerGrowthBytesMax = 64 << 20
    /// So far may two clocks be apart before nothing is destroyed any more.
    package var clockToleranceMilliseconds: Int64 = 3_600_000

    /// Bodies that are sealed anew, or deleted, in one transaction.
    package var sliceBodies = 2_000
    /// How many bodies a preview looks at one by one: some 4 µs each, so that it takes less than a second.
    package var previewBodiesMax: UInt64 = 150_000
    /// A partition is compacted by itself when it would give back so much of its file.
    package var compactionGainPercent = 20
    /// What a compaction writes at the most; 0: as fast as it can.
    package var compactionBytesPerSecond = 16 << 20
    /// What it writes in one transaction. Small, because the disk that appends wait for is to have little of it at once.
    package var compactionSliceBytes = 64 << 10

    package init() {}

    /// So many bytes of lines has one intent; a larger plan has several. An entry bundle of the audit tree holds no record of more than
    /// 65,535 bytes, which only a line of thousands of keys can make.
    static let linesBytesMax = 48 << 10
}

/// A boundary between two steps, at which a test may end the process. The next start must finish what was begun, or undo it.
package struct FailPoint: Hashable, Sendable {
    package let name: String

    package init(_ name: String) { self.name = name }

    static let intended = FailPoint("purge-intended")
    static let keyMade = FailPoint("evacuate-key-made")
    static let sliceResealed = FailPoint("evacuate-slice")
    static let evacuated = FailPoint("evacuated")
    static let shredBegun = FailPoint("shred-begun")
    static let shredded = FailPoint("shredded")
    static let receipted = FailPoint("purge-receipt")
    static let sliceReclaimed = FailPoint("reclaim-slice")
    static let reclaimed = FailPoint("reclaimed")
    static let removalDrafted = FailPoint("removal-drafted")
    static let removalLogged = FailPoint("removal-logged")
    static let removalRaised = FailPoint("removal-raised")
    static let removalForgotten = FailPoint("removal-forgotten")
}
