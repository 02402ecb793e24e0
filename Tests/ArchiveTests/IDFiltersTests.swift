import Events
import Ledger
import TestSupport
import Testing

@testable import Archive

@Suite("IDFilters")
struct IDFiltersTests {
    @Test("a filter never denies what it was given, however much it grows, and denies most of what it was not")
    func noFalseDenial() {
        var random = SeededRandom(for: "id filters")
        var filter = IDFilter()
        let given = (0..<200_000).map { _ in random.next() }
        for fingerprint in given { filter.insert(fingerprint) }
        let denied = given.filter { !filter.mayContain($0) }.count
        #expect(denied == 0)
        let perhaps = (0..<100_000).filter { _ in filter.mayContain(random.next()) }.count
        // One in a thousand of each level that is full.
        #expect(perhaps < 300)
    }

    @Test("a filter that has joined another denies nothing that either was given, before or after")
    func joined() {
        var random = SeededRandom(for: "joined id filters")
        let given = (0..<30_000).map { _ in random.next() }
        var (first, second) = (IDFilter(), IDFilter())
        for fingerprint in given[..<10_000] { first.insert(fingerprint) }
        for fingerprint in given[10_000..<20_000] { second.insert(fingerprint) }
        second.join(first)
        for fingerprint in given[20_000...] { second.insert(fingerprint) }
        let denied = given.filter { !second.mayContain($0) }.count
        #expect(denied == 0)
        let perhaps = (0..<100_000).filter { _ in second.mayContain(random.next()) }.count
        #expect(perhaps < 500)
    }

    @Test("a large partition's ids are read by upkeep after the start; repeats are found before that and after it")
    func readLater() throws {
        let scratch = try Scratch {
            $0.filterMessagesMax = 5
            $0.purge.isAutomatic = false
        }
        scratch.lendAppender()
        let posts = (0..<40).map { Scratch.Post("m\($0)") }
        scratch.send(Array(posts[..<20]))
        try scratch.reopen()
        scratch.lendAppender()
        let today = scratch.archive.core.store.partition(of: Scratch.start).number
        #expect(scratch.appender.filters.unread == [today])
        let before = scratch.send(Array(posts[..<30]))
        #expect(before.filter(\.isPresent).count == 20)
        scratch.archive.upkeep.tick()
        scratch.send(posts[39])
        #expect(scratch.appender.filters.unread == [])
        let after = scratch.send(posts)
        #expect(after.filter(\.isPresent).count == 31)
        #expect(scratch.archive.end == Position(40))
        // The filter is asked now: of most strangers it says that nobody has them.
        let perhaps = (0..<1000).filter { number in
            scratch.appender.filters.mayContain(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, in: today, isThere: { true })
        }
        #expect(perhaps.count < 100)
    }

    @Test("repeats are found across restarts, with some of the first ones folded and some not")
    func repeatsAcrossRestarts() throws {
        let scratch = try Scratch { $0.foldMilliseconds = 3_600_000 }
        let posts = (0..<300).map { index in
            Scratch.Post("m\(index)").with { post in
                if index.isMultiple(of: 3) { post.at = Scratch.start.advanced(byMilliseconds: -Int64(index) * 7_000_000) }
            }
        }
        scratch.send(Array(posts[..<100]))
        scratch.archive.flush()
        scratch.send(Array(posts[100..<200]))
        try scratch.crash()
        scratch.send(Array(posts[200...]))
        for _ in 0..<3 {
            let isAllPresent = scratch.send(posts).allSatisfy(\.isPresent)
            #expect(isAllPresent)
            try scratch.crash()
        }
        #expect(scratch.archive.end == Position(300))
    }
}
