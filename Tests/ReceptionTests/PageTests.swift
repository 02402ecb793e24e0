import Events
import NIOCore
import RESP
import Testing

@testable import Archive
@testable import Reception

@Suite("Pages")
struct PageTests {
    private func page(bodies: [Int]) throws -> TimelinePage {
        let messages = try bodies.enumerated().map { index, bytes in
            Message(
                position: Position(UInt64(index + 1)), at: Instant(milliseconds: Int64(index)), tenant: try Name("t"),
                conversation: try Name("c"), sender: try Name("s"), id: try Name("m\(index)"), contentType: .plainText, state: .visible,
                body: Array(repeating: 0x78, count: bytes), expires: nil)
        }
        return TimelinePage(messages: messages, previous: nil, next: nil, position: Position(9))
    }

    @Test("a page that is not too long stays as it is")
    func short() throws {
        let page = try page(bodies: [10, 10])
        #expect(page.cut(to: 20, from: .end) == page)
    }

    @Test("a page towards the end keeps its newest messages, and its cursor leads to the older ones")
    func cutAtTheFront() throws {
        let cut = try page(bodies: [10, 10, 10]).cut(to: 20, from: .end)
        #expect(cut.messages.map(\.position.rawValue) == [2, 3])
        #expect(cut.previous == Cursor(at: Instant(milliseconds: 1), position: Position(2)))
        #expect(cut.next == nil)
    }

    @Test("a page from the beginning keeps its oldest messages, and its cursor leads to the newer ones")
    func cutAtTheBack() throws {
        let cut = try page(bodies: [10, 10, 10]).cut(to: 25, from: .beginning)
        #expect(cut.messages.map(\.position.rawValue) == [1, 2])
        #expect(cut.next == Cursor(at: Instant(milliseconds: 1), position: Position(2)))
        #expect(cut.previous == nil)
    }

    @Test("one message is on every page, whatever it weighs")
    func atLeastOne() throws {
        let forwards = try page(bodies: [100, 1]).cut(to: 5, from: .beginning)
        let backwards = try page(bodies: [1, 100]).cut(to: 5, from: .end)
        #expect(forwards.messages.map(\.position.rawValue) == [1])
        #expect(backwards.messages.map(\.position.rawValue) == [2])
    }

    @Test("a message is a map in RESP3 and a flat array in RESP2")
    func shapes() throws {
        let message = try page(bodies: [1]).messages[0]
        var three = ReplyWriter(version: .resp3)
        three.message(message)
        var two = ReplyWriter(version: .resp2)
        two.message(message)
        let text3 = String(buffer: three.buffer)
        let text2 = String(buffer: two.buffer)
        #expect(text3.hasPrefix("%12\r\n$8\r\nposition\r\n:1\r\n$2\r\nat\r\n:0\r\n"))
        #expect(text3.hasSuffix("$7\r\nexpires\r\n_\r\n$4\r\nheld\r\n#f\r\n$7\r\nreceipt\r\n_\r\n"))
        #expect(text2.hasPrefix("*24\r\n$8\r\nposition\r\n:1\r\n"))
        #expect(text2.hasSuffix("$7\r\nexpires\r\n$-1\r\n$4\r\nheld\r\n:0\r\n$7\r\nreceipt\r\n$-1\r\n"))
    }

    @Test("events are cut after a whole one, and one is always there")
    func eventsAreCut() throws {
        let deed = Event.Deed.localDelete(LocalDelete(conversation: try Name("c"), viewer: try Name("v"), extent: .upTo(Position(1))))
        let tenant: TenantID = try Name("t")
        let events = (1...5).map {
            Event(position: Position($0), at: Instant(milliseconds: 1), principal: .user(5), tenant: tenant, deed: deed)
        }
        var all = ReplyWriter(version: .resp3)
        all.events(events, bytesMax: .max)
        var one = ReplyWriter(version: .resp3)
        one.events(events, bytesMax: 1)
        #expect(String(buffer: all.buffer).hasPrefix("*5\r\n%8\r\n"))
        #expect(String(buffer: one.buffer).hasPrefix("*1\r\n%8\r\n"))
    }
}
