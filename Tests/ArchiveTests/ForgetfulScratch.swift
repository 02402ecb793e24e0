import Events
import FoundationEssentials
import Ledger
import Testing

@testable import Archive

/// For tests of removals: days go by one after the other, each with its look.
extension Scratch {
    /// An archive in which a trail is kept for as short a time as may be, and upkeep runs when it is told to.
    static func forgetful(_ change: (inout ArchiveOptions) -> Void = { _ in }) throws -> Scratch {
        let scratch = try Scratch { options in
            options.purge.trailPeriod = PurgeOptions.trailPeriodLeast
            options.purge.compactionBytesPerSecond = 0
            change(&options)
        }
        scratch.lendAppender()
        return scratch
    }

    func live(days: Int) {
        for _ in 0..<days {
            clock.advance(days: 1)
            archive.flush()
            archive.upkeep.tick()
        }
    }

    /// So long after a day its messages are destroyed, if nothing keeps them, and the trail's time is not over yet.
    static let purgedDays = 182

    /// The partition of the first day.
    var firstPartition: PartitionID { archive.core.store.partition(of: Self.start) }

    var hasFirstPartition: Bool { archive.core.store.shelf.contains(firstPartition) }

    var removals: Int { archive.core.store.tombstones.count }

    /// What a rebuild makes of the log is what has grown.
    func expectRebuiltAlike() throws {
        let grown = try archive.digest().get()
        let events = try allEvents()
        let numbers = try archive.statistics()
        try close()
        try FileManager.default.removeItem(atPath: path + "/state.mdb")
        try rebuild()
        try open()
        lendAppender()
        #expect(try archive.digest().get() == grown)
        #expect(try allEvents() == events)
        let rebuilt = try archive.statistics()
        #expect(
            (rebuilt.messages, rebuilt.bodyBytes, rebuilt.conversations) == (numbers.messages, numbers.bodyBytes, numbers.conversations))
    }
}
