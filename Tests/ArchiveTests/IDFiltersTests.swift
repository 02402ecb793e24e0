import Events
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
        #expect(perhaps < 5_000)
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
