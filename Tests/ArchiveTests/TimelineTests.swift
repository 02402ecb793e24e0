import Events
import TestSupport
import Testing

@testable import Archive

@Suite("Timeline")
struct TimelineTests {
    /// Messages over several days, some of one time, written in random order, half of them folded.
    private func populated(_ count: Int) throws -> (Scratch, [Cursor]) {
        var random = SeededRandom(for: "timeline of several days")
        let scratch = try Scratch()
        var expected: [Cursor] = []
        for index in 0..<count {
            let at = Scratch.start.advanced(byMilliseconds: -Int64.random(in: 0..<40, using: &random) * 20_000_000)
            let position = scratch.send(Scratch.Post("m\(index)").with { $0.at = at }).position
            expected.append(Cursor(at: at, position: try #require(position)))
            scratch.send(
                Scratch.Post("x\(index)").with {
                    $0.at = at; $0.conversation = "other"
                })
            if index == count / 2 { scratch.archive.flush() }
        }
        return (scratch, expected.sorted())
    }

    private func cursors(_ page: TimelinePage) -> [Cursor] {
        page.messages.map { Cursor(at: $0.at, position: $0.position) }
    }

    @Test("pages of every size give each message once, in order, in both directions", arguments: [1, 2, 7, 50, 1000])
    func pages(size: Int) throws {
        let (scratch, expected) = try populated(120)
        var up: [Cursor] = []
        var start = TimelineQuestion.Start.beginning
        while true {
            let page = try scratch.page(from: start, count: size)
            up += cursors(page)
            guard let next = page.next else { break }
            start = .after(next)
        }
        #expect(up == expected)
        var down: [Cursor] = []
        start = .end
        while true {
            let page = try scratch.page(from: start, count: size)
            down = cursors(page) + down
            guard let previous = page.previous else { break }
            start = .before(previous)
        }
        #expect(down == expected)
    }

    @Test("a page does not move while messages are appended behind it")
    func stable() throws {
        let (scratch, expected) = try populated(40)
        var seen: [Cursor] = []
        var start = TimelineQuestion.Start.end
        var extra = 0
        while true {
            let page = try scratch.page(from: start, count: 3)
            seen = cursors(page) + seen
            scratch.send(.init("late\(extra)"))
            extra += 1
            if extra.isMultiple(of: 4) { scratch.archive.flush() }
            guard let previous = page.previous else { break }
            start = .before(previous)
        }
        #expect(seen == expected)
    }

    @Test("as of a position the answer is the same for ever")
    func asOfIsStable() throws {
        let (scratch, _) = try populated(30)
        let positions = (0...scratch.archive.end.rawValue).map { Position($0) }
        let before = try positions.map { try scratch.ids(asOf: .position($0)) }
        for index in 0..<30 { _ = try scratch.delete(["m\(index)"], viewer: "bob") }
        _ = try scratch.keep(.tenant(try TenantID("acme")), "1d")
        scratch.clock.advance(days: 400)
        try scratch.reopen()
        #expect(try positions.map { try scratch.ids(asOf: .position($0)) } == before)
        #expect(throws: Refusal.self) { try scratch.ids(asOf: .position(Position(10_000))) }
    }

    @Test("a cursor reads what it writes, and nothing else")
    func cursorText() {
        let cursor = Cursor(at: Instant(milliseconds: 1_499_852_077_157), position: Position(42))
        #expect(cursor.description == "1499852077157-42")
        #expect(Cursor(text: cursor.description) == cursor)
        for text in ["", "-", "1-", "-1", "1-2-3", "a-1", "1--2", "99999999999999999-1", "1499852077157"] {
            #expect(Cursor(text: text) == nil)
        }
    }
}
