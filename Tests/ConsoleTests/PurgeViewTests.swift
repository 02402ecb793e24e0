import Console
import RESP
import Testing

struct PurgeViewTests {
    @Test("an idle daemon says when it purges next")
    func idle() {
        let text = Sheet.file.purgeStatus(
            map([
                "state": "idle", "partition": .null, "done": 0, "total": 0, "started": .null, "clock": "trusted", "clock-reason": .null,
                "oldest-expired-at": .null, "oldest-expired-seconds": .null, "next-purge": Sheet.moment, "open-intents": 0,
                "last-receipt": .null, "last-error": .null,
            ]))
        #expect(
            text == """
                state           idle
                clock           trusted
                oldest expired  nothing waits
                next purge      2018-02-03 04:05:06 UTC
                open intents    0
                last receipt    –

                """)
    }

    @Test("a daemon at work says how far it is, and one that doubts its clock what to do")
    func working() {
        let text = Sheet.file.purgeStatus(
            map([
                "state": "evacuating", "partition": "2018-02-03", "done": 1000, "total": 4000, "started": Sheet.moment,
                "clock": "doubted", "clock-reason": "the wall clock is 2 h ahead", "oldest-expired-at": Sheet.moment,
                "oldest-expired-seconds": 90_000, "next-purge": .null, "open-intents": 1, "last-receipt": 17,
                "last-error": "no space\u{1B}[2J",
            ]))
        #expect(
            text == """
                state           evacuating 2018-02-03, 1,000 of 4,000
                started         2018-02-03 04:05:06 UTC
                clock           doubted: the wall clock is 2 h ahead; nothing is destroyed until annals purge confirm-clock
                oldest expired  for 1 d 1 h, since 2018-02-03 04:05:06 UTC
                next purge      not planned
                open intents    1
                last receipt    #17
                last error      no space␛[2J

                """)
    }

    @Test("receipts name what was destroyed, for whom, and by whom")
    func receipts() {
        let receipt = map([
            "position": 17, "at": Sheet.moment, "intent": 16, "intent-at": Sheet.moment, "principal": "uid:0", "outcome": "destroyed",
            "scope": "TENANT t", "basis": "expired", "before": .null, "messages": 1234, "bytes": 4_102_625, "keys": 3, "partitions": 2,
            "digest": "00",
        ])
        #expect(
            Sheet.file.receipts([receipt]) == """
                receipt  time (UTC)           outcome    messages    bytes  keys  partitions  intent  principal  of
                    #17  2018-02-03 04:05:06  destroyed     1,234  3.9 MiB     3           2     #16  uid:0      TENANT t: what has expired

                """)
        #expect(
            Sheet.terminal.receipts([receipt]) == """
                receipt  time (UTC)           outcome    messages    bytes  keys  partitions  intent  principal
                    of
                    #17  2018-02-03 04:05:06  destroyed     1,234  3.9 MiB     3           2     #16  uid:0
                    TENANT t: what has expired

                """)
    }
}
