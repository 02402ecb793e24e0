package import Events

/// What upkeep is doing at a moment, and how far it is behind.
package struct UpkeepStatus: Hashable, Sendable {
    package var activity = Activity.idle
    /// The partition at hand.
    package var partition: String?
    package var done = 0
    package var total = 0
    package var started: Instant?
    /// Why the clock is not believed; nothing is destroyed meanwhile.
    package var doubt: String?
    /// When the oldest message that is expired, not held and still there expired.
    package var oldestExpired: Instant?
    package var nextPurge: Instant?
    package var openIntents = 0
    package var lastReceipt: Position?
    package var lastError: String?
    /// Whether the settings ask for an escrow; when the one that is there was made, and what was or is wrong with it at the last look.
    package var hasEscrow = false
    package var escrowMadeAt: Instant?
    package var escrowError: String?
    /// Why the audit tree is not signed, if it is not.
    package var checkpointError: String?
    /// Who keeps a file from using its pages again, if somebody does.
    package var hangingReader: String?

    package enum Activity: String, Sendable {
        case idle, planning, evacuating, shredding, reclaiming, compacting, removing
    }

    package init() {}
}

/// What an operator would want to find in the log.
package enum UpkeepNews: Sendable {
    case purged(receipt: Position, messages: UInt64, keys: UInt64)
    /// A rule changed on the way.
    case withdrawn(receipt: Position)
    case compacted(String, before: Int, after: Int)
    /// A partition left the log.
    case removed(String, events: UInt64)
    case clockDoubted(String)
    case failed(ArchiveFailure)
    /// There may be keys of which there is no second copy, or a copy of keys that a purge would not reach.
    case escrowFailed(String)
    case escrowed
    case signed(size: UInt64)
    /// Nothing is signed: the log is not what was signed before, or a file cannot be written.
    case signingFailed(String)
    /// Another process keeps a snapshot open.
    case readerHangs(String)
}
