import Foundation
import TestSupport
import Testing

@testable import LMDB

@Suite("File length")
struct FileLengthTests {
    private static let pageBytes = 4096
    private static let invalid = LMDBError.Kind.damaged(.unreadable(-30793))

    @Test("a file that was cut is damaged, wherever it was cut")
    func cut() throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        try folder.environment().put(Dictionary(uniqueKeysWithValues: (0..<100).map { ("\($0)", String(repeating: "v", count: 500)) }))
        let whole = try Data(contentsOf: URL(filePath: path))
        #expect(try folder.environment().entries().count == 100)
        for bytesLeft in [1, 100, 151, 4_095, 4_096, 4_200, 8_191, 8_192, 8_193, 12_288, whole.count - 4_096, whole.count - 1] {
            try whole.prefix(bytesLeft).write(to: URL(filePath: path))
            let kind = try failure { _ = try folder.environment(.init(.write)) }
            let isDamage = if case .damaged = kind { true } else { false }
            #expect(isDamage, "cut to \(bytesLeft): \(String(describing: kind))")
        }
        try whole.write(to: URL(filePath: path))
        #expect(try folder.environment().entries().count == 100)
    }

    @Test("a file is sound whose last pages were taken and given back in one transaction, and never written")
    func soundThoughShort() throws {
        let folder = try TemporaryFolder()
        try makeShort(folder)
        let length = try Data(contentsOf: URL(filePath: folder.file())).count
        let environment = try folder.environment()
        #expect(try environment.information().lastPage >= length / Self.pageBytes)
        #expect(try environment.entries() == ["keep=1"])
        try environment.put(["more": String(repeating: "m", count: 300_000)])
        #expect(try environment.entries().count == 2)
    }

    @Test("the same file is damaged when it lacks a page that is not free")
    func shortAndCut() throws {
        let folder = try TemporaryFolder()
        try makeShort(folder)
        let url = URL(filePath: folder.file())
        let whole = try Data(contentsOf: url)
        for pages in 3..<whole.count / Self.pageBytes {
            try whole.prefix(pages * Self.pageBytes).write(to: url)
            // Pages are freed in runs: some cuts take only free ones, and then nothing is lost.
            let outcome = Result { try folder.environment().entries() }
            switch outcome {
            case .success(let entries): #expect(entries == ["keep=1"])
            case .failure(let error as LMDBError): #expect("\(error.kind)".hasPrefix("damaged"))
            case .failure(let error): throw error
            }
        }
    }

    @Test("what is not an LMDB file, or of another version, is damaged")
    func notOurs() throws {
        let folder = try TemporaryFolder()
        let url = URL(filePath: folder.file())
        try folder.environment().put(["a": "1"])
        let whole = try Data(contentsOf: url)
        for content in [Data("x".utf8), Data(count: 8_192), Data(repeating: 0xFF, count: 20_000)] {
            try content.write(to: url)
            #expect(try failure { _ = try folder.environment() } == Self.invalid)
        }
        try changed(whole, at: 20, to: 2).write(to: url)  // the data version
        #expect(try failure { _ = try folder.environment() } == .damaged(.unreadable(-30794)))
        try changed(whole, at: 41, to: 3).write(to: url)  // the page size
        #expect(try failure { _ = try folder.environment() } == Self.invalid)
    }

    @Test("a table that is sorted in a way of its own is refused")
    func foreignTable() throws {
        let folder = try TemporaryFolder()
        let url = URL(filePath: folder.file())
        try folder.environment().put(["a": "1"])
        var data = try Data(contentsOf: url)
        var place = data.startIndex..<data.startIndex
        while let found = data.range(of: Data("words".utf8), in: place.upperBound..<data.endIndex) {
            data[found.upperBound + 4] |= 0x04  // MDB_DUPSORT, in the table's record, which follows its name
            place = found
        }
        try data.write(to: url)
        #expect(try failure { _ = try folder.environment() } == .damaged(.foreignTable("words")))
    }

    @Test("any byte changed in the meta pages or in the list of free pages is refused or harmless, never the end of the process")
    func anyByte() throws {
        let folder = try TemporaryFolder()
        try makeShort(folder)
        let url = URL(filePath: folder.file())
        let whole = try Data(contentsOf: url)
        let file = try FileHandle(forUpdating: url)
        var random = SeededRandom(for: "any byte of a file changed")
        for round in 0..<6_000 {
            let offset = round < 3_000 ? Int.random(in: 0..<8_192, using: &random) : Int.random(in: 8_192..<whole.count, using: &random)
            try file.overwrite(Data([UInt8.random(in: .min ... .max, using: &random)]), at: offset)
            do throws(LMDBError) {
                try FileLength.check(folder.file(), mustHaveContent: true)
            } catch {
                #expect("\(error.kind)".hasPrefix("damaged"), "seed \(random.seed), offset \(offset)")
            }
            try file.overwrite(whole[offset...offset], at: offset)
        }
    }

    @Test("a page of zeros in the middle of the file is an error, not the end of the process")
    func zeroedPages() throws {
        let folder = try TemporaryFolder()
        let url = URL(filePath: folder.file())
        try folder.environment().put(Dictionary(uniqueKeysWithValues: (0..<200).map { ("\($0)", String(repeating: "v", count: 500)) }))
        let whole = try Data(contentsOf: url)
        var damages = 0
        for page in 2..<whole.count / Self.pageBytes {
            var damaged = whole
            damaged.replaceSubrange(page * Self.pageBytes..<(page + 1) * Self.pageBytes, with: Data(count: Self.pageBytes))
            try damaged.write(to: url)
            // By key only: a cursor that steps onto such a page meets an assertion of LMDB's own (0.9.24), which no caller can catch.
            do {
                let environment = try folder.environment(.init(.read))
                for index in 0..<200 { _ = try environment.text("\(index)") }
            } catch let error as LMDBError {
                #expect("\(error.kind)".hasPrefix("damaged") || "\(error.kind)".hasPrefix("missingTable"))
                damages += 1
            }
        }
        #expect(damages > 20)
    }

    /// Makes a sound file that is shorter than its meta page says.
    private func makeShort(_ folder: TemporaryFolder) throws {
        let environment = try folder.environment()
        let big = String(repeating: "b", count: 200_000)
        try environment.put(["keep": "1", "first": big])
        try environment.write { transaction in _ = try transaction.delete("first".raw, in: environment.words) }
        try environment.write { transaction in
            try transaction.put(String(repeating: "c", count: 400_000).raw, for: "second".raw, in: environment.words)
            _ = try transaction.delete("second".raw, in: environment.words)
        }
    }

    private func changed(_ data: Data, at offset: Int, to value: UInt8) -> Data {
        var data = data
        data[offset] = value
        return data
    }
}

extension FileHandle {
    fileprivate func overwrite(_ data: Data, at offset: Int) throws {
        try seek(toOffset: UInt64(offset))
        try write(contentsOf: data)
    }
}
