import CXXHash

/// The 48 bytes in front of a record's payload. All numbers are little-endian.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 4 | magic `ANJR` |
/// | 4 | 4 | version, 1 |
/// | 8 | 8 | XXH3-64 of bytes 16 to 47 |
/// | 16 | 8 | XXH3-64 of the payload |
/// | 24 | 8 | sequence number |
/// | 32 | 8 | generation of the segment |
/// | 40 | 8 | bytes of payload |
///
/// Both checksums are seeded with the segment's generation and salt, so that
/// what an earlier life of the segment left behind never validates in this one.
/// The header has a checksum of its own for two reasons: a header that stands is
/// proof that a record was begun there, even where its payload is torn; and a
/// search for records behind a gap need not hash what only looks like one.
struct RecordHeader: Equatable {
    var payloadChecksum: UInt64
    var sequence: SequenceNumber
    var generation: Generation
    var payloadBytes: Int

    /// Also where the payload begins: a multiple of 16.
    @usableFromInline static let byteCount = 48

    /// Bytes of the whole record, padding included.
    var recordBytes: Int { JournalOptions.paged(Self.byteCount + payloadBytes) }

    private static let magic: UInt32 = 0x524A_4E41  // "ANJR"
    private static let version: UInt32 = 1

    init(payload: UnsafeRawBufferPointer, sequence: SequenceNumber, seed: Seed) {
        payloadChecksum = seed.checksum(of: payload)
        self.sequence = sequence
        generation = seed.generation
        payloadBytes = payload.count
    }

    /// The header at the beginning of `bytes`, if there is one of this life of
    /// the segment and its record ends within `room` bytes.
    init?(reading bytes: UnsafeRawBufferPointer, seed: Seed, room: Int) {
        guard bytes.count >= Self.byteCount,
            bytes.word32(at: 0) == Self.magic, bytes.word32(at: 4) == Self.version,
            bytes.word(at: 32) == seed.generation.rawValue,
            bytes.word(at: 8) == seed.checksum(of: Self.summed(bytes)),
            let sequence = SequenceNumber(bytes.word(at: 24)),
            // Compared before it is added to anything: the sum could overflow.
            let payloadBytes = Int(exactly: bytes.word(at: 40)), payloadBytes <= room - Self.byteCount
        else { return nil }
        payloadChecksum = bytes.word(at: 16)
        self.sequence = sequence
        generation = seed.generation
        self.payloadBytes = payloadBytes
        guard recordBytes <= room else { return nil }
    }

    func write(to bytes: UnsafeMutableRawBufferPointer, seed: Seed) {
        precondition(generation == seed.generation, "the header cannot be sealed because it belongs to another segment")
        bytes.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
        bytes.storeBytes(of: Self.version.littleEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeWord(payloadChecksum, at: 16)
        bytes.storeWord(sequence.rawValue, at: 24)
        bytes.storeWord(generation.rawValue, at: 32)
        bytes.storeWord(UInt64(payloadBytes), at: 40)
        bytes.storeWord(seed.checksum(of: Self.summed(UnsafeRawBufferPointer(bytes))), at: 8)
    }

    func matches(payload: UnsafeRawBufferPointer, seed: Seed) -> Bool {
        payload.count == payloadBytes && seed.checksum(of: payload) == payloadChecksum
    }

    /// Whether `bytes` look like a header of this life of the segment that was
    /// damaged or half written: good for a message to people, and nothing else.
    static func isLikely(_ bytes: UnsafeRawBufferPointer, sequence: SequenceNumber, generation: Generation) -> Bool {
        bytes.word(at: 32) == generation.rawValue || bytes.word(at: 24) == sequence.rawValue
    }

    private static func summed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[16..<byteCount])
    }
}

/// How many times the journal had begun a segment when it began this one; also the number in the file's name.
struct Generation: Hashable, Comparable, Sendable {
    let rawValue: UInt64

    /// 10^15: the names have 16 digits, so there is always a next one.
    private static let rawValueMax: UInt64 = 1_000_000_000_000_000

    static let first = Generation(trusted: 1)

    init?(_ rawValue: UInt64) {
        guard (1..<Self.rawValueMax).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(trusted rawValue: UInt64) { self.rawValue = rawValue }

    var next: Generation {
        precondition(rawValue < Self.rawValueMax, "the journal cannot go on because its generations are used up")
        return Generation(trusted: rawValue + 1)
    }

    static func < (one: Generation, other: Generation) -> Bool { one.rawValue < other.rawValue }
}

/// What every checksum of one life of one segment starts from.
struct Seed {
    let generation: Generation
    private let value: UInt64

    init(generation: Generation, salt: UInt64) {
        self.generation = generation
        value = salt &+ generation.rawValue
    }

    func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
        XXH3_64bits_withSeed(bytes.baseAddress, bytes.count, value)
    }
}

extension UnsafeRawBufferPointer {
    func word(at offset: Int) -> UInt64 { UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    func word32(at offset: Int) -> UInt32 { UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
}

extension UnsafeMutableRawBufferPointer {
    func storeWord(_ word: UInt64, at offset: Int) { storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self) }
}
