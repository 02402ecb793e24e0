import TestSupport
import Testing

@testable import LMDB

@Suite("ReaderSlots")
struct ReaderSlotsTests {
    @Test("a line of LMDB's list is a slot, unless it is the heading or nobody reads through it")
    func lines() {
        #expect(ReaderSlot(line: "    pid     thread     txnid") == nil)
        #expect(ReaderSlot(line: "      1234 7f0a -") == nil)
        #expect(ReaderSlot(line: "      1234 7f0a 17")?.process == 1234)
        #expect(ReaderSlot(line: "      1234 7f0a 17")?.transaction == 17)
    }

    @Test("this process's own snapshots are not among the foreign ones")
    func own() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        let snapshot = try environment.snapshot()
        #expect(try environment.foreignReaders() == [])
        #expect(try snapshot.contains("a".raw, in: environment.words))
    }
}
