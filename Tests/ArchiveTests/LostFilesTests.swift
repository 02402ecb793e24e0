import Events
import FoundationEssentials
import Testing

@testable import Archive

@Suite("Lost files")
struct LostFilesTests {
    private let files = FileManager.default

    @Test("a batch of which one partition got its part is whole again after a rebuild", arguments: [0, 1])
    func halfABatch(which: Int) throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        scratch.send(
            (0..<10).map { index in
                Scratch.Post("m\(index)").with { post in
                    post.at = Scratch.start.advanced(byMilliseconds: -Int64(index % 2 + 1) * Instant.millisecondsPerDay)
                }
            })
        let events = try scratch.allEvents()
        let copy = scratch.path + "-half"
        try files.copyItem(atPath: scratch.path, toPath: copy)
        try scratch.close()
        let name = "/partitions/" + ["2026-11-21.mdb", "2026-11-22.mdb"][which]
        try files.copyItem(atPath: scratch.path + name, toPath: copy + name)
        try files.removeItem(atPath: scratch.path)
        try files.moveItem(atPath: copy, toPath: scratch.path)
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.allEvents() == events)
        #expect(try scratch.archive.statistics().messages == 10)
        let grown = try scratch.archive.digest().get()
        try scratch.close()
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.archive.digest().get() == grown)
    }

    @Test("partitions without a state are not opened as if nothing were in them", arguments: [["/journal", "/state.mdb"], ["/state.mdb"]])
    func lostState(lost: [String]) throws {
        let scratch = try Scratch {
            $0.batchBytesMax = 16 << 10
            $0.bodyBytesMax = 16 << 10
        }
        for index in 0..<400 {
            scratch.send(Scratch.Post("m\(index)").with { $0.body = String(repeating: "x", count: 8000) })
            // So that the journal's first records are used again, and are there no more.
            if index.isMultiple(of: 20) { scratch.archive.flush() }
        }
        let events = try scratch.allEvents()
        try scratch.close()
        for name in lost { try files.removeItem(atPath: scratch.path + name) }
        let failure = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(failure.map { "\($0)".contains("annalsd rebuild") } == true)
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.allEvents() == events)
        #expect(scratch.send(.init("new")).position == Position(401))
    }

    @Test("without one of its partitions an archive is not opened, and says which one")
    func lostPartition() throws {
        let scratch = try Scratch()
        for days in [3, 2, 0] as [Int64] {
            scratch.send(
                Scratch.Post("m\(days)").with { $0.at = Scratch.start.advanced(byMilliseconds: -days * Instant.millisecondsPerDay) })
        }
        try scratch.close()
        try files.removeItem(atPath: scratch.path + "/partitions/2026-11-20.mdb")
        let failure = #expect(throws: ArchiveFailure.self) { try scratch.open() }
        #expect(failure.map { "\($0)".contains("2026-11-20.mdb") } == true)
    }
}
