import Console
import RESP
import Testing

struct CompactionViewTests {
    private let partitions = [
        map([
            "partition": "2018-02-03", "outcome": "compacted", "before": 4_194_304, "after": 1_048_576, "returned": 3_145_728, "seconds": 2,
        ]),
        map(["partition": "2018-02-04", "outcome": "not-worth", "before": 4096, "after": 4096, "returned": 0, "seconds": .double(0.2)]),
        map(["partition": "2018-02-05", "outcome": "busy", "before": .null, "after": .null, "returned": .null, "seconds": .null]),
    ]

    @Test("a compaction says what it gave back, partition by partition and in all")
    func compactions() {
        #expect(
            Sheet.file.compactions(partitions) == """
                partition   outcome           before    after  returned  took
                2018-02-03  compacted        4.0 MiB  1.0 MiB   3.0 MiB   2 s
                2018-02-04  not worth it     4.0 KiB  4.0 KiB       0 B   1 s
                2018-02-05  busy: try later        –        –         –     –

                """)
        #expect(
            Sheet.terminal.compactions(partitions) == """
                partition   outcome           before    after  returned  took
                2018-02-03  compacted        4.0 MiB  1.0 MiB   3.0 MiB   2 s
                2018-02-04  not worth it     4.0 KiB  4.0 KiB       0 B   1 s
                2018-02-05  busy: try later        –        –         –     –
                3                            4.0 MiB  1.0 MiB   3.0 MiB

                """)
    }
}
