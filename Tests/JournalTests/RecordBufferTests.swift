import TestSupport
import Testing

@testable import Journal

@Suite("Record buffer")
struct RecordBufferTests {
    @Test("whatever way bytes come in, they stand one behind the other")
    func appending() {
        var buffer = RecordBuffer()
        buffer.append(1)
        [2, 3, 4].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in buffer.append(UnsafeRawBufferPointer(rebasing: bytes[..<1])) }
        buffer.append(UnsafeRawBufferPointer(start: nil, count: 0))
        let offset = buffer.reserve(2)
        buffer.append(atMost: 5000) { room in
            room[0] = 9
            room[1] = 10
            return 2
        }
        [UInt8]([7, 8]).withUnsafeBytes { buffer.write($0, at: offset) }
        #expect(offset == 2)
        #expect(buffer.withPayload { Array($0) } == [1, 2, 7, 8, 9, 10])
        #expect(buffer.payloadCount == 6)
    }

    @Test("it grows in whole aligned pages and keeps what it has")
    func growing() {
        var buffer = RecordBuffer()
        let bytes = payload(100_000)
        for byte in bytes { buffer.append(byte) }
        #expect(buffer.withPayload { Array($0) } == bytes)
        #expect(buffer.capacity % 4096 == 0)
        #expect(UInt(bitPattern: buffer.base) % 4096 == 0)
    }

    @Test("a refused draft is taken back, and reserved bytes are zero even where it stood")
    func truncating() {
        var buffer = RecordBuffer()
        payload(10).withUnsafeBytes { buffer.append($0) }
        payload(3000, 2).withUnsafeBytes { buffer.append($0) }
        buffer.truncate(to: 10)
        #expect(buffer.withPayload { Array($0) } == payload(10))
        _ = buffer.reserve(3)
        #expect(buffer.withPayload { Array($0) } == payload(10) + [0, 0, 0])
    }

    @Test("taking leaves an empty buffer with room for as much again")
    func taking() {
        var buffer = RecordBuffer()
        payload(9000).withUnsafeBytes { buffer.append($0) }
        let taken = buffer.take()
        #expect(taken.withPayload { Array($0) } == payload(9000))
        #expect(buffer.payloadCount == 0)
        #expect(buffer.capacity >= 9000 && buffer.capacity < 3 * 4096 + 1)
    }

    @Test("nothing of a refused draft reaches the disk as padding")
    func paddingIsZero() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small())
        var buffer = RecordBuffer()
        payload(3000).withUnsafeBytes { buffer.append($0) }
        buffer.truncate(to: 5)
        let record = try journal.append(buffer)
        #expect(record.bytes == payload(5))
        let file = try #require(try folder.files()[segmentName(1)])
        #expect(file[4096 + 48..<4096 + 53].elementsEqual(payload(5)))
        #expect(file[(4096 + 53)...].allSatisfy { $0 == 0 })
    }

    @Test("a record lends its parts, and many threads may read it")
    func lending() async throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(opening: folder.journal, options: .small())
        let record = try journal.append(payload(10_000))
        #expect(record.withBytes(10..<20) { Array($0) } == Array(payload(10_000)[10..<20]))
        #expect(record.withBytes(10_000..<10_000) { $0.count } == 0)
        #expect(record.memoryBytes >= 10_048)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { record.bytes == payload(10_000) } }
            for await isEqual in group { #expect(isEqual) }
        }
    }
}
