import Console
import RESP
import Testing

struct PreviewViewTests {
    @Test("a change that shortens says what would expire, what is held, and until when it can be cancelled")
    func shortens() {
        let answer = map([
            "shortens": true, "effective-at": Sheet.moment, "expiring-messages": 1234, "expiring-conversations": 1,
            "expiring-bytes": 4_102_625, "expiring-held": 17, "kept-messages": 0, "kept-conversations": 0, "kept-bytes": 0, "position": 99,
        ])
        #expect(
            Sheet.file.preview(answer) == """
                would newly expire    1,234 messages in 1 conversation, 3.9 MiB
                held apart            17 messages of these: hidden, but not destroyed while held
                would be kept longer  nothing
                takes effect          2018-02-03 04:05:06 UTC, because it shortens; until then it can be cancelled
                counted at            #99

                """)
        #expect(
            Sheet.narrow.preview(answer) == """
                would newly expire    1,234 messages in 1 conversation, 3.9
                                      MiB
                held apart            17 messages of these: hidden, but not
                                      destroyed while held
                would be kept longer  nothing
                takes effect          2018-02-03 04:05:06 UTC, because it
                                      shortens; until then it can be
                                      cancelled
                counted at            #99
                nothing was changed; annals retention set with the same words and a --reason does it

                """)
    }

    @Test("a change that lengthens takes effect at once")
    func lengthens() {
        let answer = map([
            "shortens": false, "effective-at": Sheet.moment, "expiring-messages": 0, "expiring-conversations": 0, "expiring-bytes": 0,
            "expiring-held": 0, "kept-messages": 1, "kept-conversations": 1, "kept-bytes": 5, "position": 99,
        ])
        #expect(
            Sheet.file.preview(answer) == """
                would newly expire    nothing
                would be kept longer  1 message in 1 conversation, 5 B
                takes effect          at once
                counted at            #99

                """)
    }

    @Test("what was counted by shares of time is told apart")
    func estimated() {
        let answer = map([
            "shortens": false, "effective-at": Sheet.moment, "expiring-messages": 0, "expiring-conversations": 0, "expiring-bytes": 0,
            "expiring-held": 0, "kept-messages": 1, "kept-conversations": 1, "kept-bytes": 5, "estimated-messages": 200_000,
            "position": 99,
        ])
        let row = "estimated             200,000 messages, counted by share of time and not one by one"
        #expect(Sheet.file.preview(answer).contains(row), "\(Sheet.file.preview(answer))")
    }
}
