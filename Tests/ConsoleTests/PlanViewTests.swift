import Console
import RESP
import Testing

struct PlanViewTests {
    private func plan(basis: RESPValue = "expired", before: RESPValue = .null, kept: RESPValue = 0, lines: [RESPValue] = []) -> RESPValue {
        map([
            "plan": "p-1", "basis": basis, "before": before, "messages": 1234, "conversations": 12, "bytes": 4_102_625, "held": kept,
            "floored": kept, "locked": kept, "partitions": 2, "keys": 1, "survivors": kept, "position": 99, "time": Sheet.moment,
            "digest": "00ff", "lines": .array(lines),
        ])
    }

    private let line = map(["partition": "2018-02-03", "tenant": "t", "messages": 1234, "bytes": 4_102_625, "keys": 1, "survivors": 2])

    @Test("a plan says what goes, what stays and why, and where")
    func whole() {
        #expect(
            Sheet.file.plan(plan(kept: 2, lines: [line])) == """
                plan           p-1
                of             what has expired
                destroys       1,234 messages in 12 conversations, 3.9 MiB
                by destroying  1 key in 2 partitions
                held           2 messages kept by a legal hold
                under a floor  2 messages kept because a floor has not ended
                locked         2 messages kept because their policy is locked
                sealed anew    2 messages beside these, moved to new keys and kept
                as of          #99, 2018-02-03 04:05:06.789 UTC
                digest         00ff

                partition   tenant  messages    bytes  keys  survivors
                2018-02-03  t          1,234  3.9 MiB     1          2

                """)
        #expect(
            Sheet.narrow.plan(plan(kept: 1)) == """
                plan           p-1
                of             what has expired
                destroys       1,234 messages in 12 conversations, 3.9 MiB
                by destroying  1 key in 2 partitions
                held           1 message kept by a legal hold
                under a floor  1 message kept because a floor has not ended
                locked         1 message kept because their policy is locked
                sealed anew    1 message beside these, moved to new keys and
                               kept
                as of          #99, 2018-02-03 04:05:06.789 UTC
                digest         00ff

                """)
    }

    @Test(
        "what a plan destroys is in words",
        arguments: [
            ("expired", .null, "what has expired"),
            ("before", Sheet.moment, "what was sent before 2018-02-03 04:05:06 UTC, and all that has expired"),
            ("before", .null, "everything, expired or not"), ("before", 253_402_300_799_999, "everything, expired or not"),
        ] as [(RESPValue, RESPValue, String)])
    func basis(basis: RESPValue, before: RESPValue, words: String) {
        #expect(Sheet.file.plan(plan(basis: basis, before: before)).contains("\nof             \(words)\n"))
    }

    @Test("a table that the wire has cut says so")
    func cut() {
        let lines = [RESPValue](repeating: line, count: 1000)
        #expect(Sheet.terminal.plan(plan(lines: lines)).hasSuffix("\nonly the first 1,000 lines; the card counts all\n"))
    }
}
