import FoundationEssentials
import LMDB
import TestSupport
import Testing

@Suite("Sums of pages")
struct PageSumsTests {
    private func made(_ folder: TemporaryFolder) throws -> String {
        do {
            let environment = try folder.environment()
            try environment.put(Dictionary(uniqueKeysWithValues: (0..<500).map { ("word \($0)", "value \($0)") }))
        }
        try PageSums(of: folder.file()).write(beside: folder.file())
        return folder.file()
    }

    @Test("a file is sound as long as nobody writes to it, and then they say nothing")
    func soundAndStale() throws {
        let folder = try TemporaryFolder()
        let path = try made(folder)
        #expect(try PageSums.verdict(on: path) == .sound)
        #expect(try PageSums.fit(path))
        let sums = try Data(contentsOf: URL(filePath: PageSums.path(of: path)))
        try folder.environment().put(["other": "value"])
        #expect(try !folder.names().contains("data.mdb.sums"))
        // Also where a crash brings them back.
        try sums.write(to: URL(filePath: PageSums.path(of: path)))
        #expect(try PageSums.verdict(on: path) == .unknown)
        #expect(try !PageSums.fit(path))
    }

    @Test("any byte of any page that changes is found, with its page")
    func flipped() throws {
        var random = SeededRandom(for: "flipped pages with sums")
        let folder = try TemporaryFolder()
        let path = try made(folder)
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
        for page in 0..<bytes.count / 4096 {
            var damaged = bytes
            // A meta page whose head makes no sense is told by whoever opens the file; here also one of its numbers may be another.
            let range = page < 2 ? 48..<4096 : 0..<4096
            damaged[page * 4096 + Int.random(in: range, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Data(damaged).write(to: URL(filePath: path))
            #expect(try PageSums.verdict(on: path) == .damaged([UInt64(page)]))
        }
    }

    @Test("sums that are damaged themselves, or cut short, or of another file are passed over")
    func damagedThemselves() throws {
        let folder = try TemporaryFolder()
        let path = try made(folder)
        let sums = try [UInt8](Data(contentsOf: URL(filePath: PageSums.path(of: path))))
        for place in stride(from: 0, to: sums.count, by: 7) {
            var damaged = sums
            damaged[place] ^= 0x10
            try Data(damaged).write(to: URL(filePath: PageSums.path(of: path)))
            #expect(try PageSums.verdict(on: path) == .unknown)
            try Data(sums[..<place]).write(to: URL(filePath: PageSums.path(of: path)))
            #expect(try PageSums.verdict(on: path) == .unknown)
        }
        try Data(sums).write(to: URL(filePath: PageSums.path(of: path)))
        #expect(try PageSums.verdict(on: path) == .sound)
    }
}
