import CXXHash

/// The first page of a segment file: written once, before the file gets its name, and never again.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 8 | magic `ANNALSAJ` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | bytes of a page, 4096 |
/// | 16 | 8 | bytes of the segment, this page included |
/// | 24 | 8 | salt: with the generation, the seed of the records' checksums |
/// | 32 | 8 | XXH3-64 of bytes 0 to 31, seed 0 |
///
/// Zeros follow up to byte 4096. The generation is not here but in the file's
/// name, so that reusing a segment is one rename, which happens or does not.
struct SegmentHeader: Equatable {
    let segmentBytes: Int
    let salt: UInt64

    private static let magic: UInt64 = 0x4A41_534C_414E_4E41  // "ANNALSAJ"
    private static let version: UInt32 = 1
    private static let summedBytes = 32

    init(_ options: JournalOptions) {
        segmentBytes = options.segmentBytes
        salt = options.salt
    }

    /// - Throws: `foreign` for another file or version, `damaged` where a bit has changed.
    init(reading page: UnsafeRawBufferPointer, path: String) throws(JournalFailure) {
        guard page.word(at: 0) == Self.magic else {
            throw .foreign(path: path, reason: "it does not begin with the letters ANNALSAJ")
        }
        let version = page.word32(at: 8)
        guard version == Self.version else {
            throw .foreign(path: path, reason: "its version is \(version), known is \(Self.version)")
        }
        guard page.word(at: 32) == Self.checksum(page), page.word32(at: 12) == UInt32(JournalOptions.pageBytes),
            let bytes = Int(exactly: page.word(at: 16)), JournalOptions.isSegmentSize(bytes)
        else {
            throw .damaged(path: path, offset: 0, sequence: nil, reason: "the segment's header does not match its checksum")
        }
        segmentBytes = bytes
        salt = page.word(at: 24)
    }

    func write(to page: UnsafeMutableRawBufferPointer) {
        page.initializeMemory(as: UInt8.self, repeating: 0)
        page.storeWord(Self.magic, at: 0)
        page.storeBytes(of: Self.version.littleEndian, toByteOffset: 8, as: UInt32.self)
        page.storeBytes(of: UInt32(JournalOptions.pageBytes).littleEndian, toByteOffset: 12, as: UInt32.self)
        page.storeWord(UInt64(segmentBytes), at: 16)
        page.storeWord(salt, at: 24)
        page.storeWord(Self.checksum(UnsafeRawBufferPointer(page)), at: 32)
    }

    private static func checksum(_ page: UnsafeRawBufferPointer) -> UInt64 {
        XXH3_64bits_withSeed(page.baseAddress, summedBytes, 0)
    }
}
