import Events
import Ledger
import TestSupport
import Testing

@Suite("PartitionLength")
struct PartitionLengthTests {
    @Test(
        "a partition is called by its first day, and by its hour where it is one",
        arguments: [
            (PartitionLength.day, "2026-11-23T06:42:18.123Z", "2026-11-23"), (.day, "1970-01-01", "1970-01-01"),
            (.day, "2024-02-29T23:59:59.999Z", "2024-02-29"), (.day, "9999-12-31T23:59:59.999Z", "9999-12-31"),
            (.hour, "2026-11-23T06:42:18.123Z", "2026-11-23T06"), (.hour, "1970-01-01", "1970-01-01T00"),
            (.hour, "2026-11-23T23:59:59.999Z", "2026-11-23T23"), (.hour, "9999-12-31T23:59:59.999Z", "9999-12-31T23"),
            (.week, "2026-11-23T00:00:00Z", "2026-11-23"), (.week, "2026-11-22T23:59:59.999Z", "2026-11-16"),
            (.week, "2026-11-29T23:59:59.999Z", "2026-11-23"), (.week, "1970-01-01", "1970-01-01"),
            (.week, "1970-01-04T23:59:59.999Z", "1970-01-01"), (.week, "1970-01-05", "1970-01-05"),
            (.week, "9999-12-31T23:59:59.999Z", "9999-12-27"),
        ])
    func names(_ length: PartitionLength, _ moment: String, _ name: String) throws {
        let partition = length.partition(of: try #require(Instant(text: moment)))
        #expect(length.name(of: partition) == name)
        #expect(length.partition(named: name) == partition)
    }

    @Test("weeks begin on Mondays")
    func mondays() throws {
        // 1970-01-05 was the first Monday of 1970.
        for number in Int32(1)...3_000 {
            let days = PartitionLength.week.start(of: PartitionID(number)).milliseconds / Instant.millisecondsPerDay
            #expect(days % 7 == 4)
        }
    }

    @Test("a partition begins with its first moment and ends right before the next one", arguments: PartitionLength.allCases)
    func edges(_ length: PartitionLength) {
        var random = SeededRandom(for: "partition edges")
        for _ in 0..<2_000 {
            let number = Int32.random(in: 0..<length.partition(of: .distantFuture).number, using: &random)
            let (this, next) = (PartitionID(number), PartitionID(number + 1))
            let start = length.start(of: this)
            let end = Instant(milliseconds: length.start(of: next).milliseconds - 1)
            #expect(length.partition(of: start) == this)
            #expect(length.partition(of: end) == this)
            #expect(length.partition(of: length.start(of: next)) == next)
            #expect(this < next && start < end)
        }
    }

    @Test("a partition is found by its name, and by no other", arguments: PartitionLength.allCases)
    func roundTrips(_ length: PartitionLength) {
        var random = SeededRandom(for: "partition names")
        for _ in 0..<2_000 {
            let partition = PartitionID(.random(in: 0...length.partition(of: .distantFuture).number, using: &random))
            #expect(length.partition(named: length.name(of: partition)) == partition)
        }
    }

    @Test(
        "what is not the name of a partition of this length is none",
        arguments: [
            (PartitionLength.day, "2026-11-23T06"), (.day, "2026-11-23T00:00:00Z"), (.day, "2026-02-29"), (.day, "1795392000000"),
            (.day, ""),
            (.day, "2026-11-23 "), (.day, "1969-12-31"), (.day, "state"), (.hour, "2026-11-23"), (.hour, "2026-11-23T24"),
            (.hour, "2026-11-23 06"), (.hour, "2026-11-23t06"), (.hour, "2026-11-23T06:00"), (.hour, ""), (.week, "2026-11-24"),
            (.week, "1969-12-29"), (.week, "1970-01-02"), (.week, "2026-11-23T06"),
        ])
    func strangers(_ length: PartitionLength, _ name: String) {
        #expect(length.partition(named: name) == nil)
    }

    @Test("the words of the settings are hour, day and week")
    func words() {
        #expect(PartitionLength.allCases.map(\.rawValue) == ["hour", "day", "week"])
    }
}
