import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import LMDB

/// What LMDB would end the process for must come out as an error here, in this very process.
@Suite("Damaged pages")
struct DamagedPagesTests {
    private func made(_ path: String) throws -> [UInt8] {
        let environment = try Environment(opening: path, tables: ["words"])
        for round in 0..<3 {
            try environment.put(
                Dictionary(
                    uniqueKeysWithValues: (0..<600).map { ("word \($0 * 37 % 1000)", String(repeating: "x", count: $0 % 90 * (round + 1))) }
                ))
            try environment.put(["long \(round)": String(repeating: "long", count: 3000)])
        }
        return try [UInt8](Data(contentsOf: URL(filePath: path)))
    }

    private func harm(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        let page = Int.random(in: 0..<bytes.count / 4096, using: &random) * 4096
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.replaceSubrange(page..<page + 512, with: random.bytes(512))
        case 1: bytes.replaceSubrange(page..<page + 4096, with: repeatElement(0, count: 4096))
        case 2: bytes[page + Int.random(in: 0..<32, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        default: bytes[page + Int.random(in: 0..<4096, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        return bytes
    }

    @Test("a file is read as far as it goes, whatever was done to a page of it before it was opened", arguments: 0..<4)
    func before(part: Int) throws {
        var random = SeededRandom(for: "damaged pages \(part)")
        let folder = try TemporaryFolder()
        let bytes = try made(folder.file("sound.mdb"))
        var refused = 0
        for number in 0..<250 {
            let path = folder.file("\(number).mdb")
            try Data(harm(bytes, &random)).write(to: URL(filePath: path))
            let kind = try failure {
                let environment = try Environment(opening: path, tables: ["words"])
                _ = try environment.entries()
                for word in 0..<100 { _ = try environment.text("word \(word)") }
            }
            if let kind { refused += kind.isDamage ? 1 : 0 }
            #expect(kind?.isDamage ?? true, "\(String(describing: kind))")
        }
        #expect(refused > 10)
    }

    @Test("a file whose pages change while it is open fails, and the process goes on", arguments: 0..<4)
    func during(part: Int) throws {
        var random = SeededRandom(for: "pages damaged while open \(part)")
        let folder = try TemporaryFolder()
        let bytes = try made(folder.file("sound.mdb"))
        for number in 0..<150 {
            let path = folder.file("\(number).mdb")
            try Data(bytes).write(to: URL(filePath: path))
            let environment = try Environment(opening: path, tables: ["words"])
            let file = try FileHandle(forWriting: path)
            try file.write(harm(bytes, &random))
            let kind = try failure {
                _ = try environment.entries()
                for word in 0..<100 { _ = try environment.text("word \(word)") }
            }
            #expect(kind?.isDamage ?? true, "\(String(describing: kind))")
        }
    }

    @Test("what a damaged page counts is never more than there can be")
    func counts() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("data.mdb")
        let bytes = try made(path)
        let environment = try Environment(opening: path, tables: ["words"])
        let file = try FileHandle(forWriting: path)
        let much = [UInt8](repeating: 0xFF, count: 7) + [0x7F]
        // The last page, and then the entries of both trees that a meta page has.
        for page in 0..<2 { try file.write(much, at: page * 4096 + 136) }
        let information = try environment.information()
        #expect(information.lastPage <= information.mapBytes / information.pageBytes)
        try file.write(Array(bytes[..<8192]))
        for page in 0..<2 { for field in [72, 120] { try file.write(much, at: page * 4096 + field) } }
        let snapshot = try environment.snapshot()
        for table in [Table.freePages(of: environment.number), Table.main(of: environment.number)] {
            #expect(try snapshot.reader.statistics(of: table).entries <= 1 << 48)
        }
    }

    @Test("a page may take itself for any other one, also for one that no memory can have", arguments: [3, 17, 35, 50, 51, 52, 58, 63])
    func numbers(bit: Int) throws {
        let folder = try TemporaryFolder()
        let bytes = try made(folder.file("sound.mdb"))
        for page in 2..<bytes.count / 4096 {
            let path = folder.file("\(page).mdb")
            var damaged = bytes
            damaged[page * 4096 + bit / 8] ^= 1 << (bit % 8)
            try Data(damaged).write(to: URL(filePath: path))
            let kind = try failure {
                let environment = try Environment(opening: path, tables: ["words"])
                _ = try environment.entries()
            }
            #expect(kind?.isDamage ?? true, "\(String(describing: kind))")
        }
    }

    @Test("nothing is written to a file whose pages make no sense: not to one, either, that calls free what is in use")
    func writing() throws {
        var random = SeededRandom(for: "writing to damaged files")
        let folder = try TemporaryFolder()
        let bytes = try made(folder.file("sound.mdb"))
        for number in 0..<300 {
            let path = folder.file("\(number).mdb")
            try Data(harm(bytes, &random)).write(to: URL(filePath: path))
            let fault = PageCheckFault.of(path)
            let kind = try failure {
                let environment = try Environment(opening: path, tables: ["words"])
                try environment.put(["new": "word"])
            }
            if fault { #expect(kind?.isDamage == true, "\(String(describing: kind))") }
        }
    }
}

/// Whether the pages of a file are at fault, or it has none.
private enum PageCheckFault {
    static func of(_ path: String) -> Bool {
        do { return try PageCheck.fault(in: path) != nil } catch { return error.kind.isDamage }
    }
}

extension LMDBError.Kind {
    fileprivate var isDamage: Bool {
        switch self {
        case .damaged, .missingTable: true
        default: false
        }
    }
}

/// Writes into a file that is open elsewhere, as a disk would change it.
private struct FileHandle: ~Copyable {
    private let descriptor: CInt

    init(forWriting path: String) throws {
        descriptor = open(path, O_WRONLY)
        #expect(descriptor >= 0)
    }

    func write(_ bytes: [UInt8], at offset: Int = 0) throws {
        #expect(bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) } == bytes.count)
    }

    deinit { close(descriptor) }
}
