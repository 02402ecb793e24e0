import Glibc
import TestSupport

@testable import Journal

/// Segments of the journal as a disk may give them back.
///
/// Promises: headers have one spelling. What comes out of a damaged journal is what was appended, in order and from the oldest on; one
/// damaged byte costs nothing but the last record, unless it is reported; and a journal that opens goes on.
enum Journals {
    static func run(_ input: Input) {
        var input = input
        switch input.byte() % 4 {
        case 0: header(input)
        case 1: segment(input)
        default: folder(input)
        }
    }

    // MARK: Headers

    private static func header(_ input: Input) {
        var input = input
        let seed = Seed(generation: .first, salt: input.word64())
        let room = Int(input.word16()) * 8
        var bytes = input.bytes(RecordHeader.byteCount)
        bytes += [UInt8](repeating: 0, count: RecordHeader.byteCount - bytes.count)
        bytes.withUnsafeMutableBytes { bytes in
            let sum = seed.checksum(of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[16...]))
            bytes.storeWord(0x1_524A_4E41, at: 0)
            bytes.storeWord(sum, at: 8)
        }
        guard let header = withExactly(bytes, { RecordHeader(reading: $0, seed: seed, room: room) }) else { return }
        promise(header.recordBytes <= room && header.payloadBytes >= 0, "\(header) does not fit into \(room) bytes")
        var written = [UInt8](repeating: 0, count: RecordHeader.byteCount)
        written.withUnsafeMutableBytes { header.write(to: $0, seed: seed) }
        promise(written == bytes, "\(header) is written otherwise: \(written)")
    }

    private static func segment(_ input: Input) {
        var input = input
        let isSummed = input.byte() & 1 == 0
        var page = input.bytes(64)
        page += [UInt8](repeating: 0, count: JournalOptions.pageBytes - page.count)
        if isSummed {
            page.withUnsafeMutableBytes { page in
                page.storeWord(0x4A41_534C_414E_4E41, at: 0)
                page.storeWord(UInt64(JournalOptions.pageBytes) << 32 | 1, at: 8)
                let sum = Seed(generation: .first, salt: 0 &- 1).checksum(
                    of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(page)[..<32]))
                page.storeWord(sum, at: 32)
            }
        }
        guard let header = attempt({ try withExactly(page) { try SegmentHeader(reading: $0, path: "") } }) else { return }
        promise(JournalOptions.isSegmentSize(header.segmentBytes), "a segment has \(header.segmentBytes) bytes")
        var written = page
        written.withUnsafeMutableBytes { header.write(to: $0) }
        promise(written[..<40] == page[..<40], "\(header) is written otherwise")
    }

    // MARK: Folders

    private static func folder(_ input: Input) {
        var input = input
        let path = FuzzedFile.place("journal")
        clear(path)
        let options = JournalOptions(segmentBytes: input.number(2...5) * JournalOptions.pageBytes, segments: 2, salt: 0x5A17)
        let (written, released) = certain { try write(path, options, &input) }
        check(path, written, released: released, flips: 0)
        let flips = damage(path, &input)
        check(path, written, released: released, flips: flips)
        goOn(path, options, written)
    }

    private static func write(_ path: String, _ options: JournalOptions, _ input: inout Input) throws -> ([[UInt8]], released: Int) {
        var journal = try Journal(opening: path, options: options)
        var written: [[UInt8]] = []
        var released = 0
        for number in 0..<input.number(0...12) {
            let step = input.byte()
            if step < 0xC0 {
                let count = min(Int(step) * 100, options.payloadBytesMax)
                written.append([UInt8](repeating: UInt8(number + 1), count: count))
                try journal.append(written[written.count - 1])
            } else if released < written.count, let sequence = SequenceNumber(UInt64(released + 1)) {
                released += 1
                try journal.release(through: sequence)
            }
        }
        return (written, released)
    }

    /// Turns bytes of the segments around, and says how many.
    private static func damage(_ path: String, _ input: inout Input) -> Int {
        let names = certain { try JournalFolder(path: path).generations() }.map { JournalFolder(path: path).path(of: $0) }
        var flips = 0
        while !input.isEmpty {
            let file = names[input.number(0...255) % names.count]
            var bytes = FuzzedFile.read(file)
            // The first bytes of a page more often than the others.
            let (place, mask) = (input.word16(), input.byte())
            let offset = place & 1 == 0 ? Int(place) * 2 : Int(place >> 8) * JournalOptions.pageBytes + Int(place & 0xFF) / 4
            guard mask != 0, offset < bytes.count else { continue }
            bytes[offset] ^= mask
            FuzzedFile.write(bytes, to: file)
            flips += 1
        }
        return flips
    }

    private static func check(_ path: String, _ written: [[UInt8]], released: Int, flips: Int) {
        guard let found = attempt({ try Journal.scan(path) }) else { return promise(flips > 0, "a sound journal is not read") }
        guard let payloads = attempt({ try found.payloads() }) else { return promise(flips > 0, "a sound journal's records are not read") }
        let first = found.records.map { Int($0.lowerBound.rawValue) } ?? 1
        let last = first - 1 + payloads.count
        promise(last <= written.count && payloads == Array(written[(first - 1)..<last]), "\(first) to \(last) are not what was appended")
        promise(first <= released + 1, "a record that was not released is gone: \(first) is the first of all")
        promise(
            last >= written.count - flips.signum() || flips > 1,
            "\(flips) damaged bytes cost more than a record: \(last) of \(written.count)")
    }

    private static func goOn(_ path: String, _ options: JournalOptions, _ written: [[UInt8]]) {
        guard attempt({ try append([7, 7, 7], path, options) }) != nil else { return }
        let payloads = attempt { try Journal.scan(path).payloads() }
        promise(payloads?.last == [7, 7, 7], "what was appended to a journal that opened is not there: \(String(describing: payloads))")
    }

    private static func append(_ bytes: [UInt8], _ path: String, _ options: JournalOptions) throws {
        var journal = try Journal(opening: path, options: options)
        try journal.append(bytes)
    }

    private static func clear(_ path: String) {
        guard access(path, F_OK) == 0 else { return }
        for generation in certain({ try JournalFolder(path: path).generations() }) {
            unlink(JournalFolder(path: path).path(of: generation))
        }
    }
}

extension Journal {
    fileprivate mutating func append(_ bytes: [UInt8]) throws(JournalFailure) {
        var buffer = RecordBuffer()
        bytes.withUnsafeBytes { buffer.append($0) }
        _ = try append(buffer)
    }
}

extension JournalScan {
    fileprivate func payloads() throws(JournalFailure) -> [[UInt8]] {
        var cursor = records()
        var found: [[UInt8]] = []
        while let record = try cursor.next() { found.append(record.withPayload { [UInt8]($0) }) }
        return found
    }
}
