import Glibc

@testable import LMDB

/// Pages of a file of LMDB's, some of them damaged.
///
/// Promise: what `PageCheck` and `FileLength` let pass, LMDB opens and walks, from the first row to the last, without ending the process.
enum Pages {
    static func run(_ input: Input) {
        var input = input
        var bytes = sound
        while !input.isEmpty { damage(&bytes, &input) }
        FuzzedFile.write(bytes, to: path)
        guard let fault = attempt({ try PageCheck.fault(in: path) }) else { return }
        _ = attempt { try FileLength.check(path, mustHaveContent: true) }
        guard fault == nil else { return }
        _ = attempt { try walk() }
    }

    private static func damage(_ bytes: inout [UInt8], _ input: inout Input) {
        let kind = input.byte()
        let start = Int(input.byte()) * pageBytes
        switch kind % 8 {
        case 0: bytes = [UInt8](bytes.prefix(start + Int(input.word16()) % pageBytes))
        case 1: move(from: Int(input.byte()) * pageBytes, to: start, &bytes)
        case 2: put(at: start + Int(input.word16()) % pageBytes, input.piece(), &bytes)
        case 3: put(at: start + Int(input.byte()) * 8, input.bytes(8), &bytes)
        default: put(at: start + Int(input.byte()), [input.byte()], &bytes)
        }
    }

    private static func put(at offset: Int, _ new: [UInt8], _ bytes: inout [UInt8]) {
        for (place, byte) in new.enumerated() where offset + place < bytes.count { bytes[offset + place] = byte }
    }

    private static func move(from: Int, to start: Int, _ bytes: inout [UInt8]) {
        guard max(from, start) + pageBytes <= bytes.count else { return }
        bytes.replaceSubrange(start..<start + pageBytes, with: bytes[from..<from + pageBytes])
    }

    private static func walk() throws {
        let environment = try Environment(opening: path, tables: tables, options: .init(.readFrozen, mapBytes: 1 << 20))
        try environment.read { reader in
            var sum = 0
            for name in tables {
                var cursor = try reader.cursor(in: environment.table(named: name))
                while try cursor.next() { sum &+= cursor.value.withUnsafeBytes { $0.reduce(0) { $0 &+ Int($1) } } }
                while try cursor.previous() { sum &+= cursor.key.byteCount }
                for key in [[0], [0x7F, 1], [0xFF]] as [[UInt8]] { _ = try cursor.seek(atLeast: key.span.bytes) }
            }
        }
    }

    private static let pageBytes = 4096
    private static let path = FuzzedFile.place("pages.mdb")
    private static let tables = ["large", "none", "small"]

    /// Tables of several heights, values of one page and of several, and pages that are free.
    private static let sound: [UInt8] = certain {
        let path = FuzzedFile.place("sound.mdb")
        let environment = try Environment(opening: path, tables: tables, options: .init(.create, mapBytes: 1 << 20))
        for round in 0..<3 as Range<UInt32> {
            try environment.write { transaction in
                for number in 0..<160 as Range<UInt32> {
                    let key = withUnsafeBytes(of: (number &* 2_654_435_761).bigEndian) { [UInt8]($0) }
                    let value = [UInt8](repeating: UInt8(round), count: Int(number % 90) + 1)
                    try transaction.put(value.span.bytes, for: key.span.bytes, in: environment.table(named: "small"))
                    if number.isMultiple(of: 40) {
                        let value = [UInt8](repeating: 7, count: Int(number) * 60)
                        try transaction.put(value.span.bytes, for: key.span.bytes, in: environment.table(named: "large"))
                    }
                    if round == 1, number.isMultiple(of: 3) {
                        _ = try transaction.delete(key.span.bytes, in: environment.table(named: "small"))
                    }
                }
            }
        }
        return FuzzedFile.read(path)
    }
}
