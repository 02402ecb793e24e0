import TestSupport
import Testing

@testable import Journal

@Suite("Record header")
struct RecordHeaderTests {
    private static let salt: UInt64 = 0x0123_4567_89AB_CDEF

    @Test("the bytes on disk are these, for ever")
    func goldenBytes() throws {
        let folder = try TemporaryFolder()
        var journal = try Journal(
            opening: folder.journal, options: JournalOptions(segmentBytes: 8192, segments: 2, salt: Self.salt))
        try journal.append(Array("hello, journal".utf8))
        let file = try #require(try folder.files()[segmentName(1)])
        #expect(hex(file[..<48]) == Self.goldenSegment)
        #expect(hex(file[4096..<4096 + 64]) == Self.goldenRecord)
        #expect(file.count == 8192)
    }

    private static let goldenSegment =
        "414e4e414c53414a01000000001000000020000000000000efcdab8967452301b10d1178aa0c95ab0000000000000000"
    private static let goldenRecord =
        "414e4a5201000000173a2ac46a23b426e7eef10cc10685cd010000000000000001000000000000000e00000000000000"
        + "68656c6c6f2c206a6f75726e616c0000"

    @Test("a header is read back as it was written")
    func roundTrip() throws {
        for seed in [Seed(generation: .first, salt: 0), Seed(generation: .first.next, salt: Self.salt)] {
            var bytes = [UInt8](repeating: 0xEE, count: 64)
            let header = payload(5000).withUnsafeBytes { RecordHeader(payload: $0, sequence: .first.next, seed: seed) }
            bytes.withUnsafeMutableBytes { header.write(to: $0, seed: seed) }
            #expect(bytes.withUnsafeBytes { RecordHeader(reading: $0, seed: seed, room: 8192) } == header)
            #expect(payload(5000).withUnsafeBytes { header.matches(payload: $0, seed: seed) })
            #expect(!payload(5000, 2).withUnsafeBytes { header.matches(payload: $0, seed: seed) })
            #expect(bytes.withUnsafeBytes { RecordHeader(reading: $0, seed: seed, room: 4096) } == nil)
            #expect(bytes[48...].allSatisfy { $0 == 0xEE })
        }
    }

    @Test("a header of another generation or another salt is none")
    func otherSeeds() {
        let seed = Seed(generation: .first, salt: Self.salt)
        let header = payload(10).withUnsafeBytes { RecordHeader(payload: $0, sequence: .first, seed: seed) }
        var bytes = [UInt8](repeating: 0, count: 48)
        bytes.withUnsafeMutableBytes { header.write(to: $0, seed: seed) }
        for other in [Seed(generation: .first.next, salt: Self.salt), Seed(generation: .first, salt: Self.salt + 1)] {
            #expect(bytes.withUnsafeBytes { RecordHeader(reading: $0, seed: other, room: 4096) } == nil)
        }
        // Same sum of salt and generation, so the same seed: the plain generation still tells them apart.
        let twin = Seed(generation: .first.next, salt: Self.salt - 1)
        #expect(bytes.withUnsafeBytes { RecordHeader(reading: $0, seed: twin, room: 4096) } == nil)
    }

    @Test("numbers that no journal writes are refused, even under a checksum that is right")
    func absurdNumbers() {
        let seed = Seed(generation: .first, salt: Self.salt)
        let absurd: [UInt64] = [4096 - 47, 8192, 1 << 30, 1 << 62, .max - 48, .max]
        for (offset, values) in [(40, absurd), (24, [0, (1 << 61) + 1, .max])] {
            for value in values {
                var bytes = [UInt8](repeating: 0, count: 48)
                let header = payload(10).withUnsafeBytes { RecordHeader(payload: $0, sequence: .first, seed: seed) }
                bytes.withUnsafeMutableBytes { bytes in
                    header.write(to: bytes, seed: seed)
                    bytes.storeWord(value, at: offset)
                    bytes.storeWord(seed.checksum(of: UnsafeRawBufferPointer(rebasing: bytes[16...])), at: 8)
                }
                #expect(bytes.withUnsafeBytes { RecordHeader(reading: $0, seed: seed, room: 4096) } == nil, "\(value) at \(offset)")
            }
        }
    }

    @Test("any bytes at all in the files give records or a failure, and nothing else")
    func anyBytes() throws {
        var random = SeededRandom(for: "RecordHeaderTests.anyBytes")
        let folder = try TemporaryFolder()
        do {
            var journal = try Journal(opening: folder.journal, options: .small(pages: 8))
            for number in 1...5 { try journal.append(payload(number * 1500, number)) }
        }
        let files = try folder.files()
        for _ in 0..<500 {
            for name in files.keys.sorted() {
                for _ in 0..<Int.random(in: 0..<4, using: &random) {
                    let bytes = random.bytes(.random(in: 1...64, using: &random))
                    // Mostly where it matters: the heads of pages.
                    let offset = Int.random(in: 0..<8, using: &random) * 4096 + Int.random(in: 0...50, using: &random)
                    try folder.patch(name, at: offset, bytes)
                }
            }
            _ = try failure { _ = try Journal.scan(folder.journal).payloads() }
            for (name, bytes) in files { try folder.patch(name, at: 0, bytes) }
        }
        #expect(try Journal.scan(folder.journal).payloads().count == 5)
    }

    private func hex(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
