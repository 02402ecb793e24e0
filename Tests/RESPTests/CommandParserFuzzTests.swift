import TestSupport
import Testing

@testable import RESP

@Suite("CommandParser, whatever comes")
struct CommandParserFuzzTests {
    /// Small limits, so that random bytes often reach them.
    private static var narrow: CommandParser.Limits {
        var limits = CommandParser.Limits()
        limits.argumentsMax = 8
        limits.bulkBytesMax = 40
        limits.inlineBytesMax = 50
        limits.frameBytesMax = 150
        return limits
    }

    /// The same bytes in one piece and in pieces must come to the same.
    private func expectSame(_ bytes: [UInt8], cutAt cuts: [Int], limits: CommandParser.Limits = .init()) {
        var whole = Client(limits: limits)
        whole.send(bytes)
        var pieces = Client(limits: limits)
        for (start, end) in zip([0] + cuts, cuts + [bytes.count]) { pieces.send(bytes[start..<end]) }
        #expect(pieces.commands == whole.commands)
        #expect(pieces.violation == whole.violation)
        #expect(pieces.bytesKept == whole.bytesKept)
    }

    @Test("wherever a pipeline is cut, it gives the same commands")
    func everyCut() {
        let pipeline =
            frame("SEND", "tenant", "conversation", "sender", "id", "body\r\n") + frame("PING")
            + Array("\r\nECHO 'a b' \"\\x41\"\n*0\r\n".utf8)
            + frame("", "") + Array("SET a b\r\n".utf8) + frame("LAST")
        for cut in 0...pipeline.count {
            expectSame(pipeline, cutAt: [cut])
            expectSame(pipeline, cutAt: [cut / 2, cut])
        }
        expectSame(pipeline, cutAt: Array(0...pipeline.count))
    }

    @Test("commands of any words come out as they went in, in any pieces")
    func anyWords() {
        var random = SeededRandom(for: "commands of any words")
        for _ in 0..<200 {
            let commands = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                (0..<Int.random(in: 1...9, using: &random)).map { _ in
                    (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                }
            }
            let bytes = commands.flatMap { frame($0) }
            var client = Client()
            var place = 0
            while place < bytes.count {
                let end = min(bytes.count, place + Int.random(in: 1...50, using: &random))
                client.send(bytes[place..<end])
                place = end
            }
            #expect(client.commands == commands)
            #expect(client.violation == nil)
        }
    }

    @Test("random bytes come to the same in any pieces, and to no trap")
    func randomBytes() {
        var random = SeededRandom(for: "random bytes")
        let alphabet = Array("*$0123456789-\r\n\r\n\r\n\"'\\x aZ\0".utf8)
        for round in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                round.isMultiple(of: 4) ? UInt8.random(in: 0...255, using: &random) : alphabet.randomElement(using: &random) ?? 0
            }
            expectSame(bytes, cutAt: cuts(of: bytes, &random), limits: Self.narrow)
        }
    }

    @Test("damaged frames come to the same in any pieces, and to no trap")
    func damagedFrames() {
        var random = SeededRandom(for: "damaged frames")
        let sound = frame("SEND", "t", "c", "s", "id", "hello") + frame("PING") + Array("ECHO \"a b\"\r\n".utf8) + frame("a", "", "b")
        for _ in 0..<3000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0x24...0x3A, using: &random), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                }
                if bytes.isEmpty { bytes = [0x2A] }
            }
            expectSame(bytes, cutAt: cuts(of: bytes, &random), limits: Self.narrow)
        }
    }

    private func cuts(of bytes: [UInt8], _ random: inout SeededRandom) -> [Int] {
        (0..<Int.random(in: 0...8, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
    }

    /// A parser that began anew with every byte would look at some 10^10 bytes here and never come to the end.
    @Test("a frame that comes byte by byte is looked at once", .timeLimit(.minutes(20)))
    func byteByByte() {
        let word = [UInt8](repeating: 0x61, count: 100_000)
        let line = "ECHO \(String(repeating: "b", count: 60_000))\r\n"
        let bytes = frame([word, word]) + Array(line.utf8)
        var parser = CommandParser()
        var found = 0
        bytes.withUnsafeBytes { bytes in
            var start = 0
            for end in 0...bytes.count where parser.parse(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) == .command {
                found += 1
                start += parser.takeConsumed()
            }
        }
        #expect(found == 2)
    }
}
