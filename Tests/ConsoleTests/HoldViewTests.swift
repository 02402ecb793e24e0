import Console
import RESP
import Testing

struct HoldViewTests {
    private let narrow = map([
        "hold": "court-17", "scope": "TENANT t CONVERSATION c", "tenant": "t", "conversation": "c", "sender": "阿美", "from": Sheet.moment,
        "until": .null, "matter": "2018/17", "reason": "the court asked for it", "position": 12, "at": Sheet.moment,
        "principal": "uid:0", "released": 19, "released-at": Sheet.moment,
    ])
    private let wide = map([
        "hold": "007", "scope": "SYSTEM", "tenant": .null, "conversation": .null, "sender": .null, "from": .null, "until": .null,
        "matter": "all", "reason": "r", "position": 13, "at": Sheet.moment, "principal": "uid:0", "released": .null, "released-at": .null,
    ])

    @Test("holds show what they cover, for what, and since when")
    func holds() {
        #expect(
            Sheet.file.holds([narrow, wide], showsReleases: false) == """
                position  placed (UTC)             hold      matter   principal  covers                                                           reason
                     #12  2018-02-03 04:05:06.789  court-17  2018/17  uid:0      tenant t, conversation c, sender 阿美, from 2018-02-03 04:05:06  the court asked for it
                     #13  2018-02-03 04:05:06.789  007       all      uid:0      everything                                                       r

                """)
        #expect(
            Sheet.narrow.holds([wide], showsReleases: false) == """
                position  placed (UTC)             hold  matter  principal  covers
                    reason
                     #13  2018-02-03 04:05:06.789  007   all     uid:0      everything
                    r

                """)
    }

    @Test("released holds show when, where they are shown")
    func releases() {
        #expect(
            Sheet.file.holds([narrow, wide], showsReleases: true) == """
                position  placed (UTC)             hold      matter   released (UTC)           principal  covers                                                           reason
                     #12  2018-02-03 04:05:06.789  court-17  2018/17  2018-02-03 04:05:06.789  uid:0      tenant t, conversation c, sender 阿美, from 2018-02-03 04:05:06  the court asked for it
                     #13  2018-02-03 04:05:06.789  007       all      –                        uid:0      everything                                                       r

                """)
    }

    @Test("no holds are the headings, and on a terminal a word")
    func none() {
        #expect(Sheet.file.holds([], showsReleases: false) == "position  placed (UTC)  hold  matter  principal  covers  reason\n")
        #expect(Sheet.terminal.holds([], showsReleases: false).hasSuffix("no holds stand\n"))
    }
}
