import Console
import Testing

struct ImportTallyTests {
    private var tally: ImportTally {
        var tally = ImportTally()
        for _ in 0..<17_345 { tally.accept(.send) }
        for _ in 0..<424 { tally.accept(.localDelete) }
        tally.notePresent()
        for _ in 0..<32 { tally.refuse(.init("unknown message")) }
        for _ in 0..<34 { tally.refuse(.no("time")) }
        return tally
    }

    @Test("people read what was accepted, there, and refused")
    func summary() {
        #expect(
            tally.summary(seconds: 2.25) == """
                accepted           17,769
                  send             17,345
                  local-delete        424
                already there           1
                refused                66
                  no time              34
                  unknown message      32
                17,836 lines in 2.3 s (7,927 lines/s)

                """)
    }

    @Test("programs read the same")
    func json() {
        #expect(
            tally.json(seconds: 2.2514).text
                == #"{"lines":17836,"accepted":{"send":17345,"local-delete":424},"present":1,"refused":{"no time":34,"unknown message":32},"seconds":2.251}"#
        )
        #expect(ImportTally().json(seconds: 0).text == #"{"lines":0,"accepted":{},"present":0,"refused":{},"seconds":0.0}"#)
    }

    @Test("reasons without end are counted together")
    func manyReasons() {
        var tally = ImportTally()
        for number in 0..<1000 { tally.refuse(.init("reason \(number)")) }
        #expect(tally.refused.count <= 51)
        #expect(tally.refusedCount == 1000)
    }
}
