import Events
import Ledger
import Testing

@testable import Archive

/// Months press the last days of a longer one together: of a week's messages the first need not be the first to end.
@Suite("Ends of months")
struct MonthEndTests {
    /// By a period of ten months all of them end on 30 November: the first and the last of them later than the one between.
    private static let times = ["2026-01-30T23:00:00Z", "2026-01-31T01:00:00Z", "2026-01-31T22:00:00Z"]

    @Test("a week's messages are gone in time also where the first sent is not the first to end")
    func gone() throws {
        let scratch = try scratch("10mo")
        scratch.clock.set(try moment("2026-11-30T00:59:00Z"))
        scratch.archive.upkeep.tick()
        #expect(try scratch.archive.partitions().first?.nextExpiry == moment("2026-11-30T01:00:00Z"))
        scratch.clock.set(try moment("2026-11-30T06:59:00Z"))
        scratch.archive.upkeep.tick()
        #expect(scratch.archive.upkeepStatus().oldestExpired == (try moment("2026-11-30T01:00:00Z")))
        // The lag is six hours.
        scratch.clock.set(try moment("2026-11-30T07:00:00Z"))
        scratch.archive.upkeep.tick()
        #expect(try Self.times.map { try scratch.message($0)?.state } == [.visible, .purged, .visible])
    }

    @Test("a preview counts what expires between a week's first and last message")
    func previewed() throws {
        let scratch = try scratch("forever")
        scratch.clock.set(try moment("2026-11-30T08:00:00Z"))
        let question = PreviewQuestion(scope: .system, changes: [.init(.policy, .keep(.months(10)))])
        let preview = try scratch.archive.preview(question).get()
        #expect(preview.expiring == .init(messages: 1, conversations: 1, bytes: 5))
        scratch.clock.set(try moment("2026-11-30T22:30:00Z"))
        #expect(try scratch.archive.preview(question).get().expiring.messages == 2)
    }

    /// A week's messages of one sender.
    private func scratch(_ policy: String) throws -> Scratch {
        let scratch = try Scratch {
            $0.partitionLength = .week
            $0.purge.lagMilliseconds = 6 * 3_600_000
            $0.purge.compactionBytesPerSecond = 0
        }
        scratch.lendAppender()
        #expect(try scratch.keep(.system, policy).isAppended)
        for time in Self.times {
            let at = try moment(time)
            #expect(scratch.send(Scratch.Post(time).with { $0.at = at }).isAppended)
        }
        scratch.archive.flush()
        return scratch
    }

    private func moment(_ text: String) throws -> Instant { try #require(Instant(text: text)) }
}
