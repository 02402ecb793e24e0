import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Archive

@Suite("Recovery and rebuild")
struct RecoveryTests {
    /// Sends, deletes, policies and readings over several days and tenants.
    private func fill(_ scratch: Scratch, _ random: inout SeededRandom, rounds: Int) throws {
        for _ in 0..<rounds {
            let id = "m\(Int.random(in: 0..<400, using: &random))"
            let tenant = ["acme", "beta"].randomElement(using: &random) ?? "acme"
            let viewer = "v\(Int.random(in: 0..<4, using: &random))"
            let conversation = "c\(Int.random(in: 0..<5, using: &random))"
            let at =
                Bool.random(using: &random)
                ? nil : Scratch.start.advanced(byMilliseconds: -Int64.random(in: 0..<20, using: &random) * 40_000_000)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: _ = try scratch.delete([id], viewer: viewer, conversation: conversation, tenant: tenant)
            case 1:
                let end = max(1, scratch.archive.end.rawValue)
                _ = try scratch.clear(
                    upTo: Position(.random(in: 1...end, using: &random)), viewer: viewer, conversation: conversation, tenant: tenant)
            case 2: _ = try scratch.keep(.tenant(try TenantID(tenant)), "\(Int.random(in: 1...400, using: &random))d")
            case 3: _ = try scratch.read("\(id)-0", tenant: tenant)
            default:
                scratch.send(
                    (0..<Int.random(in: 1...20, using: &random)).map { index in
                        Scratch.Post("\(id)-\(index)").with {
                            $0.tenant = tenant
                            $0.conversation = conversation
                            $0.at = at
                            $0.body = String(repeating: "y", count: Int.random(in: 0..<300, using: &random))
                        }
                    })
            }
            scratch.clock.advance(milliseconds: Int64.random(in: 0..<5_000_000, using: &random))
            if Int.random(in: 0..<8, using: &random) == 0 { scratch.archive.flush() }
        }
    }

    @Test("rebuilt from nothing, the projections are those that grew with the log")
    func rebuiltEqualsIncremental() throws {
        var random = SeededRandom(for: "rebuilt from nothing")
        let scratch = try Scratch { $0.openPartitionsMax = 4 }
        try fill(scratch, &random, rounds: 150)
        let grown = try scratch.archive.digest().get()
        let events = try scratch.allEvents()
        #expect(grown.position == scratch.archive.end)
        try scratch.close()
        #expect(try scratch.rebuild() == events.count)
        try scratch.open()
        #expect(try scratch.archive.digest().get() == grown)
        #expect(try scratch.allEvents() == events)
        try scratch.close()
        try FileManager.default.removeItem(atPath: scratch.path + "/state.mdb")
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.archive.digest().get() == grown)
    }

    @Test("whatever was answered is there after a crash, and folding it again changes nothing")
    func crashes() throws {
        var random = SeededRandom(for: "crashes")
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        for _ in 0..<12 {
            try fill(scratch, &random, rounds: 25)
            let events = try scratch.allEvents()
            try scratch.crash()
            let isSame = try scratch.allEvents() == events
            #expect(isSame)
            let hasNoGap = events.map(\.position.rawValue) == Array(1...UInt64(events.count))
            #expect(hasNoGap)
        }
        let grown = try scratch.archive.digest().get()
        try scratch.close()
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.archive.digest().get() == grown)
    }

    @Test("a state file that is older than the partitions, or gone, is brought up to date from the journal")
    func olderState() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        scratch.send((0..<50).map { Scratch.Post("m\($0)") })
        _ = try scratch.delete(["m3"], viewer: "bob")
        let expected = try scratch.ids()
        let copy = scratch.path + "-state"
        try FileManager.default.copyItem(atPath: scratch.path + "/state.mdb", toPath: copy)
        scratch.archive.flush()
        let grown = try scratch.archive.digest().get()
        // As after a crash between the partitions' transactions and the state's.
        try scratch.crash { path in
            try FileManager.default.removeItem(atPath: path + "/state.mdb")
            try FileManager.default.moveItem(atPath: copy, toPath: path + "/state.mdb")
        }
        #expect(try scratch.ids() == expected)
        #expect(try scratch.archive.digest().get() == grown)
    }

    @Test("a state and a journal that are older than the partitions are found, refused, and mended by a rebuild", arguments: [true, false])
    func olderStateAndJournal(hasJournal: Bool) throws {
        let scratch = try Scratch()
        scratch.send((0..<10).map { Scratch.Post("a\($0)") })
        try scratch.close()
        try AuditCopies.copy(of: scratch.path) { early in
            try scratch.open()
            // An import: the newest partition is not the one that goes furthest.
            let yesterday = Scratch.start.advanced(byMilliseconds: -Instant.millisecondsPerDay)
            scratch.send((0..<10).map { Scratch.Post("b\($0)").with { $0.at = yesterday } })
            let events = try scratch.allEvents()
            try scratch.close()
            for name in ["/state.mdb", "/journal"] {
                try FileManager.default.removeItem(atPath: scratch.path + name)
                if name == "/journal", !hasJournal { continue }
                try FileManager.default.copyItem(atPath: early + name, toPath: scratch.path + name)
            }
            let report = try AuditCopies.verify(scratch.path)
            #expect(report.verdict == .damaged)
            let finding = try #require(report.findings.first { $0.sentence.contains("given out twice") })
            #expect((finding.first, finding.last, finding.place) == (Position(11), Position(20), scratch.path + "/state.mdb"))
            let failure = #expect(throws: ArchiveFailure.self) { try scratch.open() }
            for words in ["/state.mdb", "2026-11-22.mdb", "annalsd rebuild"] { #expect(failure?.description.contains(words) == true) }
            try scratch.rebuild()
            try scratch.open()
            #expect(try scratch.allEvents() == events)
            #expect(scratch.send(Scratch.Post("new")).position == Position(21))
            try scratch.close()
            #expect(try AuditCopies.verify(scratch.path).findings == [])
            try scratch.open()
        }
    }

    @Test("a rebuild while some partitions are ahead of others loses nothing that is only in the journal")
    func rebuildAfterHalfAFold() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        let yesterday = Scratch.start.advanced(byMilliseconds: -Instant.millisecondsPerDay)
        for index in 0..<20 { scratch.send(Scratch.Post("m\(index)").with { $0.at = index.isMultiple(of: 2) ? yesterday : nil }) }
        let events = try scratch.allEvents()
        let untouched = scratch.path + "-copy"
        try FileManager.default.copyItem(atPath: scratch.path, toPath: untouched)
        scratch.archive.flush()
        let grown = try scratch.archive.digest().get()
        try scratch.close()
        // Today's partition as the fold left it; yesterday's and the state as they were before.
        let name = "/partitions/2026-11-23.mdb"
        try FileManager.default.moveItem(atPath: scratch.path + name, toPath: untouched + name)
        try FileManager.default.removeItem(atPath: scratch.path)
        try FileManager.default.moveItem(atPath: untouched, toPath: scratch.path)
        try scratch.rebuild()
        try scratch.open()
        #expect(try scratch.allEvents() == events)
        #expect(try scratch.archive.digest().get() == grown)
    }

    @Test("a folder has one owner at a time, and keeps its format")
    func oneOwner() throws {
        let scratch = try Scratch()
        var options = ArchiveOptions(path: scratch.path)
        #expect(throws: ArchiveFailure.self) { try Archive.open(options) { Scratch.start } }
        try scratch.close()
        let file = scratch.path + "/annals.json"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing("\"format\" : 2", with: "\"format\" : 3").write(toFile: file, atomically: false, encoding: .utf8)
        #expect(throws: ArchiveFailure.self) { try Archive.open(options) { Scratch.start } }
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try scratch.open()
        options.path = scratch.path + "/journal"
        #expect(throws: ArchiveFailure.self) { try Archive.open(options) { Scratch.start } }
    }
}
