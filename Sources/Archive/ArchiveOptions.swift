package import Events
package import Journal
package import Ledger
package import Vault

/// What an archive may use, and how large things may become. Defaults are `annalsd`'s.
package struct ArchiveOptions: Sendable {
    /// The data folder. Made if it is not there.
    package var path: String
    /// Chosen once, when the folder is made; afterwards the folder's own counts.
    package var partitionLength = PartitionLength.day
    /// The log's public name, chosen once; nil: made from the instance id.
    package var origin: String?

    /// The longest body that is taken.
    package var bodyBytesMax = 64 << 10
    /// A batch is committed at the latest when it holds so much.
    package var batchBytesMax = 4 << 20
    package var batchEventsMax = 16_384
    /// The fold begins when so much is journaled and not yet folded, or the oldest of it is so old.
    package var foldBytes = 32 << 20
    package var foldMilliseconds = 1000
    /// With so much not yet folded, intake stops until the fold has caught up.
    package var tailBytesMax = 128 << 20
    /// How many partitions may be open at once.
    package var openPartitionsMax = 512
    /// No LMDB file of the archive can grow beyond this. Address space, not memory.
    package var mapBytes = 64 << 30
    /// Appends are refused as `FULL` when the file system has less than this left.
    package var diskReserveBytes = 256 << 20
    /// How long a repeated `send` is recognized at the least.
    package var idempotenceMilliseconds: Int64 = 48 * 3_600_000
    package var journal = JournalOptions()
    /// Partitions with more messages than this when the archive is opened get the filter of their ids later: reading them would hold up the
    /// start.
    var filterMessagesMax: UInt64 = 2_000_000

    /// Where the root key is; nil: in a file of the data folder.
    package var rootKey: (any RootKeySource)?
    /// Where the second copy of root key and keyring is kept, and for whom; nil: there is none.
    package var escrow: Escrow?
    /// A change that shortens anything takes effect so much later, and can be cancelled until then.
    package var coolOffMilliseconds: Int64 = 7 * Instant.millisecondsPerDay
    /// The longest that can be set.
    package static let coolOffHoursMax = 8760
    package var purge = PurgeOptions()
    package var audit = AuditOptions()
    /// Reads the clock that nobody can set, together with the wall's.
    package var steadyClock: @Sendable (_ wall: Instant) -> ClockReading = { wall in
        ClockReading(wall: wall, steadyMilliseconds: wall.milliseconds, boot: ClockReading.unknownBoot)
    }
    package var threads = Threads.own
    /// Told at each boundary between the steps of a purge or a compaction: where a test ends the process.
    package var reached: @Sendable (FailPoint) -> Void = { _ in }

    package enum Threads: Sendable {
        /// Folding has one, and so has keeping the process small.
        case own
        /// Whoever flushes folds, on his own thread: for simulations, in which one thing happens after the other.
        case none
    }

    package init(path: String) { self.path = path }

    /// What is folded at once: never so much that the tail is full before.
    var foldStepBytes: Int { min(foldBytes, tailBytesMax / 2) }

    static let bodyBytesLimits = 1...(1 << 20)

    /// What makes no sense together, as a sentence; nil when all is well.
    package var complaint: String? {
        if !Self.bodyBytesLimits.contains(bodyBytesMax) { return "the longest body must be of 1 byte to 1 MiB" }
        if batchEventsMax < 1 || batchBytesMax < 1 { return "a batch must have room for an event" }
        if batchBytesMax + bodyBytesMax + Batch.entryOverheadMax > journal.payloadBytesMax {
            return "a batch and one more body must fit into a journal segment"
        }
        if tailBytesMax < batchBytesMax + bodyBytesMax {
            return "the tail must have room for a batch and one more body"
        }
        if let origin, AuditFolder.isUnfit(origin: origin) { return "the origin must be without spaces, plus and control characters" }
        if openPartitionsMax < 4 { return "at least 4 partitions must be allowed to be open" }
        if foldMilliseconds < 1 || idempotenceMilliseconds < 0 || diskReserveBytes < 0 || mapBytes < 1 << 20 {
            return "times and sizes must not be negative"
        }
        return nil
    }
}
