import NIOCore
import Testing

@testable import RESP

@Suite("RESPValue")
struct RESPValueTests {
    /// The same answer as each version brings it.
    private func answer(_ version: ProtocolVersion) throws -> RESPValue? {
        var writer = ReplyWriter(version: version)
        writer.map(count: 5)
        writer.bulk("position")
        writer.integer(7)
        writer.bulk("held")
        writer.boolean(true)
        writer.bulk("ratio")
        writer.double(0.25)
        writer.bulk("body")
        writer.null()
        writer.bulk("ids")
        writer.array(count: 2)
        writer.bulk("a")
        writer.bulk([0xFF])
        var parser = ReplyParser()
        return try parser.next(from: &writer.buffer)
    }

    @Test("an answer reads the same in either version", arguments: [ProtocolVersion.resp2, .resp3])
    func versions(_ version: ProtocolVersion) throws {
        let answer = try #require(try answer(version))
        #expect(answer["position"]?.integer == 7)
        #expect(answer["held"]?.boolean == true)
        #expect(answer["ratio"]?.double == 0.25)
        #expect(answer["body"]?.isNull == true)
        #expect(answer["ids"]?.array?.map(\.string) == ["a", nil])
        #expect(answer["ids"]?.array?.map(\.bytes) == [[0x61], [0xFF]])
        #expect(answer["nothing"] == nil)
        #expect(answer.entries?.map(\.key.string) == ["position", "held", "ratio", "body", "ids"])
    }

    @Test("an accessor says nil rather than guess")
    func mismatch() {
        #expect(RESPValue.integer(1).string == nil)
        #expect(RESPValue.simple("12x").integer == nil)
        #expect(RESPValue.integer(2).boolean == nil)
        #expect(RESPValue.bulk([]).array == nil)
        #expect(RESPValue.array([.integer(1)]).entries == nil)
        #expect(RESPValue.array([.simple("value"), .simple("key")])["key"] == nil)
        #expect(RESPValue.error(code: "BUSY", message: "")["BUSY"] == nil)
        #expect(RESPValue.null.bytes == nil)
    }

    @Test("numbers that come as text are numbers")
    func numbers() {
        #expect(RESPValue.bulk(Array("-12".utf8)).integer == -12)
        #expect(RESPValue.bulk(Array("1e3".utf8)).double == 1000)
        #expect(RESPValue.integer(3).double == 3)
        #expect(RESPValue.bigNumber("12").integer == 12)
    }
}
