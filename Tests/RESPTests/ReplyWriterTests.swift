import NIOCore
import Testing

@testable import RESP

@Suite("ReplyWriter")
struct ReplyWriterTests {
    private func written(_ version: ProtocolVersion, _ write: (inout ReplyWriter) -> Void) -> String {
        var writer = ReplyWriter(version: version)
        write(&writer)
        return String(buffer: writer.take())
    }

    @Test("values that both versions write alike")
    func alike() {
        for version in [ProtocolVersion.resp2, .resp3] {
            #expect(written(version) { $0.simple("OK") } == "+OK\r\n")
            #expect(written(version) { $0.error(code: "BADARG", "the tenant is empty") } == "-BADARG the tenant is empty\r\n")
            #expect(written(version) { $0.bulk("é") } == "$2\r\né\r\n")
            #expect(written(version) { $0.bulk("") } == "$0\r\n\r\n")
            #expect(written(version) { $0.bulk([UInt8]([0x61, 0x0D])) } == "$2\r\na\r\r\n")
            #expect(written(version) { $0.bulk(ByteBuffer(string: "abc")) } == "$3\r\nabc\r\n")
            #expect(written(version) { $0.bulk(decimal: -120) } == "$4\r\n-120\r\n")
            #expect(written(version) { $0.array(count: 12) } == "*12\r\n")
            let lent = written(version) { writer in [UInt8]("lent".utf8).withUnsafeBytes { writer.bulk($0) } }
            #expect(lent == "$4\r\nlent\r\n")
        }
    }

    @Test("values that RESP3 has a type for, and RESP2 has not")
    func different() {
        #expect(written(.resp3) { $0.null() } == "_\r\n")
        #expect(written(.resp2) { $0.null() } == "$-1\r\n")
        #expect(written(.resp3) { $0.nullArray() } == "_\r\n")
        #expect(written(.resp2) { $0.nullArray() } == "*-1\r\n")
        #expect(written(.resp3) { $0.boolean(true) } == "#t\r\n")
        #expect(written(.resp2) { $0.boolean(false) } == ":0\r\n")
        #expect(written(.resp3) { $0.double(-1.5) } == ",-1.5\r\n")
        #expect(written(.resp2) { $0.double(1.5) } == "$3\r\n1.5\r\n")
        #expect(written(.resp3) { $0.double(-.infinity) } == ",-inf\r\n")
        #expect(written(.resp3) { $0.double(-.nan) } == ",nan\r\n")
        #expect(written(.resp3) { $0.map(count: 3) } == "%3\r\n")
        #expect(written(.resp2) { $0.map(count: 3) } == "*6\r\n")
        #expect(written(.resp3) { $0.verbatim("hi") } == "=6\r\ntxt:hi\r\n")
        #expect(written(.resp2) { $0.verbatim("hi") } == "$2\r\nhi\r\n")
    }

    @Test("an integer is written in full", arguments: [0, 1, 9, 10, 99, 100, -1, -10, 1 << 40, Int.max, Int.min])
    func integers(_ value: Int) {
        #expect(written(.resp3) { $0.integer(value) } == ":\(value)\r\n")
        #expect(written(.resp2) { $0.bulk(decimal: value) } == "$\("\(value)".utf8.count)\r\n\(value)\r\n")
    }

    @Test("a line break in a text cannot begin an answer of its own")
    func injection() {
        #expect(written(.resp3) { $0.error(code: "A\nB", "no\r\n+OK\r\n") } == "-A B no  +OK  \r\n")
        #expect(written(.resp2) { $0.simple("a\r\n:1") } == "+a  :1\r\n")
    }

    @Test("answers follow each other in one buffer, and the version may change between them")
    func follow() {
        var writer = ReplyWriter(version: .resp2)
        writer.null()
        writer.version = .resp3
        writer.null()
        #expect(String(buffer: writer.take()) == "$-1\r\n_\r\n")
        #expect(writer.take().readableBytes == 0)
    }
}
