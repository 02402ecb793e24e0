import Events
import Glibc
import Synchronization
import Testing

@testable import Archive

@Suite("Appender")
struct AppenderTests {
    @Test("positions are given in order and without gaps, whatever is refused or repeated in between")
    func positionsHaveNoGaps() throws {
        let scratch = try Scratch()
        let verdicts = scratch.send([
            .init("a"), .init(""), .init("b"), .init("a"), .init("c").with { $0.body = String(repeating: "x", count: 70_000) },
            .init("d"),
        ])
        #expect(verdicts.map(\.position) == [Position(1), nil, Position(2), Position(1), nil, Position(3)])
        #expect(verdicts[1].code == .badArgument)
        #expect(verdicts[3].isPresent)
        #expect(verdicts[4].code == .tooLong)
        #expect(try scratch.allEvents().map(\.position) == [Position(1), Position(2), Position(3)])
    }

    @Test("a repeated send is answered with the first one's position, wherever that is", arguments: [false, true])
    func repeats(folded: Bool) throws {
        let scratch = try Scratch()
        let first = scratch.send(.init("a"))
        if folded { scratch.archive.flush() }
        #expect(scratch.send(.init("a")) == .present(try #require(first.position), effectiveAt: Scratch.start))
        for change: (inout Scratch.Post) -> Void in [
            { $0.body = "other" }, { $0.sender = "eve" }, { $0.conversation = "elsewhere" },
        ] {
            #expect(scratch.send(Scratch.Post("a").with(change)).code == .conflict)
        }
        #expect(scratch.send(Scratch.Post("a").with { $0.tenant = "other" }).isAppended)
        try scratch.reopen()
        #expect(scratch.send(.init("a")).isPresent)
        #expect(scratch.archive.end == Position(2))
    }

    @Test("the idempotence window reaches over midnight into the partitions before")
    func windowReachesBack() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.archive.flush()
        scratch.clock.advance(days: 1)
        #expect(scratch.send(.init("a")).isPresent)
        scratch.clock.advance(days: 1)
        #expect(scratch.send(.init("a")).isPresent)
        scratch.clock.advance(days: 3)
        #expect(scratch.send(.init("a")).isAppended)
    }

    @Test("an import finds its twin in its own partition, whatever its age")
    func importFindsTwin() throws {
        let scratch = try Scratch()
        let old = try #require(Instant(text: "2014-11-30T10:00:00Z"))
        let post = Scratch.Post("a").with { $0.at = old }
        #expect(scratch.send(post).isAppended)
        scratch.archive.flush()
        #expect(scratch.send(post).isPresent)
        let event = try scratch.allEvents()[0]
        #expect(event.at == old)
        #expect(event.imported == Scratch.start)
    }

    @Test("an import may not come from the future")
    func noFuture() throws {
        let scratch = try Scratch()
        let verdict = scratch.send(Scratch.Post("a").with { $0.at = Scratch.start.advanced(byMilliseconds: 1) })
        #expect(verdict.code == .badArgument)
    }

    @Test("the fast way of a send writes the same record as the slow one")
    func fastEqualsSlow() throws {
        let scratch = try Scratch()
        scratch.send([
            .init("a"),
            Scratch.Post("b").with {
                $0.type = "image/png"; $0.clientTime = Instant(milliseconds: 7)
            },
            Scratch.Post("c").with {
                $0.at = Instant(milliseconds: 1000); $0.body = ""
            },
            Scratch.Post("d").with { $0.type = "text/plain; charset=utf-8" },
        ])
        let view = scratch.archive.core.tail.view()
        for position in 1...4 {
            let (batch, index) = try #require(view.find(Position(UInt64(position))))
            let record = batch.withTrail(at: index) { [UInt8]($0) }
            #expect(try Event(decoding: record).encoded() == record)
        }
    }

    @Test("a message id of * is made by the server: a UUIDv7 of the event's time, never the same twice")
    func madeIDs() throws {
        let scratch = try Scratch()
        scratch.send([Scratch.Post("*"), Scratch.Post("*")])
        let ids = try scratch.ids()
        #expect(Set(ids).count == 2)
        for id in ids {
            #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            #expect(UInt64(id.prefix(13).filter { $0 != "-" }, radix: 16) == UInt64(Scratch.start.milliseconds))
        }
    }

    @Test("an expected position is compared with the conversation's last event, committed or not")
    func expectations() throws {
        let scratch = try Scratch()
        let verdicts = scratch.send([
            Scratch.Post("a").with { $0.expected = ExpectedPosition.none },
            Scratch.Post("b").with { $0.expected = ExpectedPosition.none },
            Scratch.Post("c").with { $0.expected = .position(Position(1)) },
            Scratch.Post("d").with { $0.expected = .position(Position(1)) },
            Scratch.Post("e").with {
                $0.conversation = "other"; $0.expected = ExpectedPosition.none
            },
        ])
        #expect(verdicts.map(\.code) == [nil, .conflict, nil, .conflict, nil])
        scratch.archive.flush()
        #expect(scratch.send(Scratch.Post("f").with { $0.expected = .position(Position(2)) }).isAppended)
    }

    @Test("time never goes back in the log, even when the clock does")
    func timeIsMonotone() throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.clock.advance(days: -3)
        scratch.send(.init("b"))
        let times = try scratch.allEvents().map(\.at)
        #expect(times == [Scratch.start, Scratch.start])
        try scratch.reopen()
        scratch.send(.init("c"))
        #expect(try scratch.allEvents()[2].at == Scratch.start)
        #expect(try scratch.ids() == ["a", "b", "c"])
    }

    @Test("names are compared byte for byte: composed and decomposed letters are different messages")
    func bytesAreNames() throws {
        let scratch = try Scratch()
        let verdicts = scratch.send([.init("caf\u{E9}"), .init("cafe\u{301}")])
        #expect(verdicts.map(\.isAppended) == [true, true])
    }

    @Test("a repeated import is recognized although another message of its id lies in the window")
    func sameWins() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        func post(_ body: String, days: Int64) -> Scratch.Post {
            Scratch.Post("x").with { post in
                post.body = body
                post.at = Scratch.start.advanced(byMilliseconds: -days * Instant.millisecondsPerDay)
            }
        }
        #expect(scratch.send(post("a", days: 10)).isAppended)
        try scratch.reopen()
        #expect(scratch.send(post("b", days: 11)).isAppended)
        #expect(scratch.send(post("a", days: 10)).isPresent)
    }

    @Test("appends go on by themselves when there is room on the disk again")
    func fullIsLifted() async throws {
        let scratch = try Scratch()
        scratch.send(.init("a"))
        scratch.archive.flush()
        // What the last look at the disk found; by now there is room, since nothing is held in reserve.
        scratch.archive.core.isDiskFull.store(true, ordering: .relaxed)
        scratch.archive.flush()
        #expect(scratch.send(.init("b")).isAppended)
    }

    @Test("while the disk is full it is looked at again and again")
    func fullIsWatched() throws {
        let scratch = try Scratch()
        let core = scratch.archive.core
        // On the fold's own thread, before it rests: so it rests with an eye on the disk, and nobody else wakes it.
        scratch.archive.onFold { core.isDiskFull.store(true, ordering: .relaxed) }
        #expect(scratch.send(.init("a")).isAppended)
        scratch.archive.flush()
        while core.isDiskFull.load(ordering: .relaxed) { sched_yield() }
        #expect(scratch.send(.init("b")).isAppended)
    }

    @Test("what is remembered of deletes goes when it is folded, however steadily they come")
    func deletesAreForgotten() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        let count = 3000
        for start in stride(from: 0, to: count, by: 500) { scratch.send((start..<start + 500).map { Scratch.Post("m\($0)") }) }
        for index in 0..<count {
            _ = try scratch.delete(["m\(index)"], viewer: "bob")
            if index % 100 == 50 { scratch.archive.flush() }
        }
        #expect(scratch.appender.recentDeletes.count < 1500)
        #expect(try scratch.delete(["m0"], viewer: "bob").isPresent)
    }

    @Test("a full batch and a full tail say so, and both go on after commit and fold")
    func roomIsBounded() throws {
        let scratch = try Scratch {
            $0.batchEventsMax = 3
            $0.tailBytesMax = 300 << 10
            $0.foldBytes = 300 << 10
            $0.foldMilliseconds = 3_600_000
        }
        for id in ["a", "b", "c"] { scratch.admit(.init(id)) }
        #expect(scratch.appender.room == .batchFull)
        #expect(scratch.commit().count == 3)
        let large = String(repeating: "x", count: 60_000)
        var count = 0
        while scratch.appender.room != .tailFull {
            scratch.send(Scratch.Post("large\(count)").with { $0.body = large })
            count += 1
            try #require(count < 100)
        }
        scratch.archive.flush()
        #expect(scratch.appender.room == .open)
        #expect(scratch.send(.init("z")).isAppended)
    }
}
