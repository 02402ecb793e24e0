import Console
import Events
import Testing

struct MomentTests {
    private let now = Instant(milliseconds: 1_763_881_938_123)  // 2025-11-23T07:12:18.123Z

    private func time(_ text: String) -> String? {
        guard case .time(let instant)? = Moment(text, now: now, in: .utc) else { return nil }
        return instant.description
    }

    @Test(
        "moments may be written as people write them",
        arguments: [
            ("2018-02-03", "2018-02-03T00:00:00.000Z"),
            ("2018-02-03 04:05", "2018-02-03T04:05:00.000Z"),
            ("2018-02-03 04:05:06", "2018-02-03T04:05:06.000Z"),
            ("2018-02-03 04:05:06.789", "2018-02-03T04:05:06.789Z"),
            ("2018-02-03T04:05:06.789Z", "2018-02-03T04:05:06.789Z"),
            ("2018-02-03T04:05:06+08:00", "2018-02-02T20:05:06.000Z"),
            ("1517630706789", "2018-02-03T04:05:06.789Z"),
            ("now", "2025-11-23T07:12:18.123Z"),
            ("today", "2025-11-23T00:00:00.000Z"),
            ("Yesterday", "2025-11-22T00:00:00.000Z"),
            ("30d ago", "2025-10-24T07:12:18.123Z"),
            (" 2 weeks ago ", "2025-11-09T07:12:18.123Z"),
            ("3h ago", "2025-11-23T04:12:18.123Z"),
            ("6mo ago", "2025-05-23T07:12:18.123Z"),
            ("5 years ago", "2020-11-23T07:12:18.123Z"),
        ])
    func accepted(text: String, moment: String) {
        #expect(time(text) == moment)
    }

    @Test(
        "what is no moment is refused, also a bare year, which would be taken for milliseconds",
        arguments: [
            "", "2018", "2018-02-30", "2018-13-01", "25:00", "soon", "ago", "d ago", "5 fortnights ago", "-3d ago", "#", "#x",
            "2018-02-03 4:05",
        ])
    func refused(text: String) {
        #expect(Moment(text, now: now, in: .utc) == nil)
    }

    @Test("a position is written behind a number sign")
    func position() {
        #expect(Moment("#17", now: now, in: .utc) == .position(17))
        #expect(Moment("#17", now: now, in: .utc)?.word == "#17")
        #expect(Moment("1517630706789", now: now, in: .utc)?.word == "1517630706789")
    }

    @Test("what is shown can be pasted back, in the local zone as in UTC")
    func pastedBack() {
        for step in 0..<40 {
            // Some 17 days apart, so that both halves of a year with summer time are met; never in the hour that comes twice.
            let moment = Instant(milliseconds: 1_500_000_000_123 + Int64(step) * 1_500_000_000)
            for zone in [Zone.utc, .local] {
                #expect(Moment(zone.text(moment, to: .milliseconds), now: now, in: zone) == .time(moment))
            }
        }
    }

    @Test("times are shown without what the heading says")
    func shown() {
        #expect(Zone.utc.text(now) == "2025-11-23 07:12:18")
        #expect(Zone.utc.text(now, to: .milliseconds) == "2025-11-23 07:12:18.123")
    }
}
