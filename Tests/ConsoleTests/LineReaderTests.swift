import Console
import Dispatch
import Glibc
import Synchronization
import Testing

struct LineReaderTests {
    private func lines(of bytes: [UInt8]) throws -> [LineReader.Line] {
        let file = try ScratchFile(bytes)
        var reader = try LineReader(ByteSource(path: file.path))
        return try all(&reader)
    }

    private func all(_ reader: inout LineReader) throws -> [LineReader.Line] {
        var lines: [LineReader.Line] = []
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    private func texts(_ text: String) throws -> [String] {
        try lines(of: Array(text.utf8)).map { "\($0.number):" + String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("lines are numbered from 1; blank ones count but are not given; the last may lack its end")
    func plainLines() throws {
        #expect(try texts("a\n\nb\r\n \t\nc") == ["1:a", "3:b\r", "5:c"])
        #expect(try texts("") == [])
        #expect(try texts("\n\n") == [])
    }

    @Test("a byte order mark is no part of the first line")
    func byteOrderMark() throws {
        #expect(try texts("\u{FEFF}a\nb\n") == ["1:a", "2:b"])
    }

    @Test("gzip is told by its first bytes, and members may follow one another", arguments: [1, 3])
    func members(count: Int) throws {
        let part = Array((1...20_000).map { "line \($0) 你好\n" }.joined().utf8)
        let packed = Array((0..<count).map { _ in gzip(part) }.joined())
        let found = try lines(of: packed)
        #expect(found.count == 20_000 * count)
        #expect(found.last?.bytes == Array("line 20000 你好".utf8))
        #expect(found.last?.number == 20_000 * count)
    }

    @Test("a line may run on from one member into the next, and zeros may pad the end")
    func seams() throws {
        let packed = gzip(Array("ab".utf8)) + gzip([]) + gzip(Array("cd\nef".utf8)) + [0, 0, 0]
        #expect(try lines(of: packed).map(\.bytes) == [Array("abcd".utf8), Array("ef".utf8)])
    }

    @Test("gzip that ends in the middle gives what it had and then says so")
    func truncated() throws {
        let packed = gzip(Array((1...50_000).map { "line \($0)\n" }.joined().utf8))
        let file = try ScratchFile(Array(packed.dropLast(20)))
        var reader = try LineReader(ByteSource(path: file.path))
        var count = 0
        let trouble = #expect(throws: Trouble.self) {
            while try reader.next() != nil { count += 1 }
        }
        #expect(count > 40_000)
        #expect(trouble?.status == .input)
    }

    @Test("damaged gzip and what follows gzip without being it are told", arguments: [true, false])
    func damaged(inside: Bool) throws {
        var packed = gzip(Array("one\ntwo\n".utf8))
        if inside { packed[packed.count - 6] ^= 0xFF } else { packed += Array("three\n".utf8) }
        let trouble = #expect(throws: Trouble.self) { try lines(of: packed) }
        #expect(trouble?.status == .input)
    }

    @Test("a line beyond all measure is cut, and the lines after it are whole")
    func tooLong() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: LineReader.lineBytesMax * 2 + 5)
        let found = try lines(of: Array("a\n".utf8) + long + Array("\nb\n".utf8))
        #expect(found.map(\.isCut) == [false, true, false])
        #expect(found[1].bytes.count == LineReader.cutBytes)
        #expect(found[2] == .init(number: 3, bytes: Array("b".utf8)))
    }

    @Test("a pipe is read as it comes, gzip too, be the first byte alone", arguments: [false, true])
    func pipe(isPacked: Bool) throws {
        let text = Array((1...3000).map { "line \($0)\n" }.joined().utf8)
        let bytes = isPacked ? gzip(text) : text
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        let writing = ends[1]
        // A thread of its own: on the test's threads, a reader that waits could keep the writer from ever running.
        DispatchQueue(label: "writer").async {
            for part in [bytes.prefix(1), bytes.dropFirst(1)] {
                var rest = part
                while !rest.isEmpty { rest = rest.dropFirst(rest.withUnsafeBytes { write(writing, $0.baseAddress, $0.count) }) }
            }
            close(writing)
        }
        var reader = try LineReader(ByteSource(path: "/dev/fd/\(ends[0])"))
        #expect(try all(&reader).count == 3000)
        let (consumed, size) = reader.progress
        #expect(consumed == Int64(bytes.count))
        #expect(size == nil)
        close(ends[0])
    }

    @Test("an empty pipe would make a reader wait, a written one not")
    func waiting() throws {
        var ends: [Int32] = [0, 0]
        #expect(Glibc.pipe(&ends) == 0)
        write(ends[1], "\n\n{}\n", 5)
        var reader = try LineReader(ByteSource(path: "/dev/fd/\(ends[0])"))
        var waits = [reader.wouldWait()]
        let first = try reader.next()
        waits.append(reader.wouldWait())
        write(ends[1], "[", 1)
        waits.append(reader.wouldWait())
        close(ends[1])
        let second = try reader.next()
        waits.append(reader.wouldWait())
        #expect(waits == [false, true, false, false])
        #expect(first?.number == 3)
        #expect(second?.number == 4)
        close(ends[0])
    }

    @Test("reading ends when it is told to stop, and gives no piece of a line")
    func stop() throws {
        let asked = Mutex(0)
        let file = try ScratchFile([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20))
        // The first reads are let pass, so that the beginning of a line is there.
        var reader = try LineReader(
            ByteSource(path: file.path),
            isStopped: {
                asked.withLock { count in
                    count += 1
                    return count > 2
                }
            })
        #expect(try reader.next() == nil)
    }

    @Test("a file that is not there is named")
    func absent() {
        let trouble = #expect(throws: Trouble.self) { _ = try ByteSource(path: "/nowhere/\u{1B}x.jsonl").size }
        #expect(trouble == Trouble(.input, "cannot open /nowhere/␛x.jsonl: no such file or directory"))
    }
}
