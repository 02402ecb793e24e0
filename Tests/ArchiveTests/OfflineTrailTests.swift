import Events
import FoundationEssentials
import Testing

@testable import Archive

@Suite("Offline trail")
struct OfflineTrailTests {
    private let files = FileManager.default

    @Test(
        "every event is read, of partitions and of the journal, in order; without a vault, a state file or a lock, and nothing is changed")
    func copies() throws {
        for isFolded in [false, true] {
            let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
            try fill(scratch)
            if isFolded { scratch.archive.flush() }
            scratch.send(.init("last"))
            let events = try scratch.allEvents()
            let copy = scratch.path + "-copy"
            defer { remove(copy) }
            try files.copyItem(atPath: scratch.path, toPath: copy)
            for name in ["vault", "state.mdb", "state.mdb-lock", "LOCK"] { try files.removeItem(atPath: copy + "/" + name) }
            let before = try contents(of: copy)
            #expect(try read(copy) == events)
            #expect(try contents(of: copy) == before)
        }
    }

    @Test("a range is those of its positions; what is not there is passed over")
    func ranges() throws {
        let scratch = try Scratch()
        try fill(scratch)
        let events = try scratch.allEvents()
        try scratch.close()
        for (from, to) in [(1, 1), (3, 7), (5, 1000), (12, 12), (500, 900)] as [(UInt64, UInt64)] {
            #expect(try read(scratch.path, Position(from)...Position(to)) == events.filter { (from...to).contains($0.position.rawValue) })
        }
        try scratch.open()
    }

    @Test("an event that a crash left in its partition and in the journal is told once")
    func halfABatch() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        try fill(scratch)
        let copy = scratch.path + "-half"
        defer { remove(copy) }
        try files.copyItem(atPath: scratch.path, toPath: copy)
        let events = try scratch.allEvents()
        try scratch.close()
        let name = "/partitions/2026-11-21.mdb"
        try files.copyItem(atPath: scratch.path + name, toPath: copy + name)
        #expect(try read(copy) == events)
        try scratch.open()
    }

    @Test("a folder that is open is refused, and one that is being read is not opened")
    func locks() throws {
        let scratch = try Scratch()
        try fill(scratch)
        let refused = #expect(throws: ArchiveFailure.self) { try read(scratch.path) }
        #expect(refused.map { "\($0)".contains("has this archive open") } == true)
        try scratch.close()
        let trail = try OfflineTrail(of: scratch.path)
        #expect(throws: ArchiveFailure.self) { try scratch.open() }
        var count = 0
        try trail.forEach(in: .first ... .last) { _ in count += 1 }
        #expect(count == 12)
    }

    @Test("a folder that is none, and a damaged journal, are refused by name")
    func damaged() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        #expect(throws: ArchiveFailure.self) { try read(scratch.path + "/journal") }
        try fill(scratch)
        let copy = scratch.path + "-damaged"
        defer { remove(copy) }
        try files.copyItem(atPath: scratch.path, toPath: copy)
        let segment = copy + "/journal/0000000000000001.aj"
        var bytes = try Data(contentsOf: URL(filePath: segment))
        bytes[4096 + 100] ^= 1
        try bytes.write(to: URL(filePath: segment))
        let refused = #expect(throws: ArchiveFailure.self) { try read(copy) }
        #expect(refused.map { "\($0)".contains(segment) } == true)
    }

    /// Twelve events in three partitions, no run of them longer than a few.
    private func fill(_ scratch: Scratch) throws {
        for number in 0..<5 {
            scratch.send(
                [2, 0].map { days in
                    Scratch.Post("m\(number)-\(days)").with {
                        $0.at = Scratch.start.advanced(byMilliseconds: -Int64(days) * Instant.millisecondsPerDay)
                    }
                })
        }
        _ = try scratch.keep(.tenant(TenantID("acme")), "1y")
        _ = try scratch.delete(["m1-0"], viewer: "bob")
    }

    private func read(_ path: String, _ range: ClosedRange<Position> = .first ... .last) throws -> [Event] {
        var events: [Event] = []
        try OfflineTrail(of: path).forEach(in: range) { events.append($0) }
        return events
    }

    private func contents(of path: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try files.subpathsOfDirectory(atPath: path) {
            var isFolder = false
            guard files.fileExists(atPath: path + "/" + name, isDirectory: &isFolder), !isFolder else {
                found[name] = Data()
                continue
            }
            found[name] = try Data(contentsOf: URL(filePath: path + "/" + name))
        }
        return found
    }

    private func remove(_ path: String) {
        do { try files.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}
