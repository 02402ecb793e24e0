import Console
import Events
import RESP
import Testing

struct RetentionViewTests {
    @Test("a policy says where it comes from")
    func policy() {
        let text = Sheet.file.policy(
            map(["scope": "TENANT t", "period": "180d", "from": "default", "position": .null, "effective-at": .null]))
        #expect(text == "scope        TENANT t\nperiod       180d\ndecided for  nobody: the default\n")
    }

    @Test("a policy has its lock, its floor, and what is pending beside it")
    func rules() {
        let answer = map([
            "scope": "TENANT t", "period": "5y", "from": "tenant", "position": 12, "effective-at": Sheet.moment, "locked": true,
            "floor": "6mo", "floor-from": "system", "floor-position": 3,
            "pending": .array([
                map(["position": 20, "target": "policy", "period": "1y", "effective-at": Sheet.moment, "locked": false]),
                map(["position": 21, "target": "floor", "period": "inherit", "effective-at": Sheet.moment, "locked": true]),
            ]),
        ])
        #expect(
            Sheet.file.policy(answer) == """
                scope           TENANT t
                period          5y
                decided for     tenant
                by              #12
                in force since  2018-02-03 04:05:06.789 UTC
                locked          yes: it can only be made longer
                floor           6mo, decided for the system by #3

                Pending
                position  takes effect (UTC)       what    period   locked
                     #20  2018-02-03 04:05:06.789  policy  1y       no
                     #21  2018-02-03 04:05:06.789  floor   inherit  yes

                """)
        #expect(Sheet.terminal.policy(answer).hasSuffix("\nannals retention cancel POSITION undoes one of them\n"))
    }

    @Test("no floor is said to be none")
    func noFloor() {
        let text = Sheet.file.policy(map(["scope": "SYSTEM", "period": "180d", "from": "default", "locked": false, "floor": .null]))
        #expect(
            text == """
                scope        SYSTEM
                period       180d
                decided for  nobody: the default
                locked       no
                floor        none

                """)
    }

    @Test("a change that waits says until when, and one that counts since when")
    func changed() {
        let answer = map(["position": 20, "effective-at": Sheet.moment])
        let before = Instant(milliseconds: 1_517_630_706_788)
        #expect(Sheet.file.changed(answer, now: before) == "#20  takes effect at 2018-02-03 04:05:06.789 (UTC)\n")
        #expect(
            Sheet.file.changed(answer, now: before.advanced(byMilliseconds: 1))
                == "#20  in force since 2018-02-03 04:05:06.789 (UTC)\n")
    }

    @Test("the history of a scope names its rules")
    func history() {
        let change = map([
            "position": 12, "at": Sheet.moment, "effective-at": Sheet.moment, "scope": "SYSTEM", "period": "5y", "principal": "uid:0",
            "reason": "law", "target": "floor", "locked": true,
        ])
        #expect(
            Sheet.file.policies([change]) == """
                position  time (UTC)               effective (UTC)          scope   period  what   locked  principal  reason
                     #12  2018-02-03 04:05:06.789  2018-02-03 04:05:06.789  SYSTEM  5y      floor  yes     uid:0      law

                """)
    }

    @Test("the history of a scope says what was taken back")
    func cancelled() {
        let change = map([
            "position": 12, "at": Sheet.moment, "effective-at": Sheet.moment, "scope": "SYSTEM", "period": "5y", "principal": "uid:0",
            "reason": "law", "target": "policy", "locked": false,
        ])
        let cancel = map([
            "position": 14, "at": Sheet.moment, "scope": "SYSTEM", "change": 12, "principal": "uid:0", "reason": "too short",
        ])
        #expect(
            Sheet.file.policies([change, cancel]) == """
                position  time (UTC)               effective (UTC)          scope   period  what         locked  principal  reason
                     #12  2018-02-03 04:05:06.789  2018-02-03 04:05:06.789  SYSTEM  5y      policy       no      uid:0      law
                     #14  2018-02-03 04:05:06.789  –                        SYSTEM  –       cancels #12  –       uid:0      too short

                """)
    }

    @Test("presets are a table")
    func presets() {
        let presets = [
            map(["preset": "default", "period": "180d", "floor": .null]), map(["preset": "finance", "period": "7y", "floor": "5y"]),
        ]
        #expect(Sheet.file.presets(presets) == "preset   period  floor\ndefault  180d    –\nfinance  7y      5y\n")
        #expect(Sheet.terminal.presets(presets).hasSuffix("starting points, not legal advice\n"))
    }
}
