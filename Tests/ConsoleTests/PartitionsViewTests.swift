import Console
import RESP
import Testing

struct PartitionsViewTests {
    private let partition = map([
        "partition": "2018-02-03", "events": 1200, "messages": 1000, "live": 600, "expired": 300, "held": 20, "purged": 100,
        "bytes": 2048, "disk": 1_048_576, "free": 524_288, "first": 1, "last": 1200, "next-expiry": Sheet.moment,
    ])

    @Test("partitions show what lives in them and what must go, and are added up on a terminal")
    func partitions() {
        let bare = map(["partition": "2018-02-04", "messages": 0, "disk": 4096, "next-expiry": .null])
        #expect(
            Sheet.file.partitions([partition, bare]) == """
                partition   messages  live  expired  held  purged     disk       free  next expiry (UTC)
                2018-02-03     1,000   600      300    20     100  1.0 MiB  512.0 KiB  2018-02-03 04:05:06
                2018-02-04         0     –        –     –       –  4.0 KiB          –  –

                """)
        #expect(
            Sheet.terminal.partitions([partition, partition]) == """
                partition   messages  live  expired  held  purged     disk       free  next expiry (UTC)
                2018-02-03     1,000   600      300    20     100  1.0 MiB  512.0 KiB  2018-02-03 04:05:06
                2018-02-03     1,000   600      300    20     100  1.0 MiB  512.0 KiB  2018-02-03 04:05:06
                2              2,000  1,200      600    40     200  2.0 MiB    1.0 MiB  2018-02-03 04:05:06

                """)
    }
}
