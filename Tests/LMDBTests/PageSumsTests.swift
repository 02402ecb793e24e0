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

    @Test("any byte of any page in use that changes is found, with its page")
    func flipped() throws {
        var random = SeededRandom(for: "flipped pages with sums")
        let folder = try TemporaryFolder()
        let path = try made(folder)
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
        var free = 0
        for page in 0..<bytes.count / 4096 {
            var damaged = bytes
            // A meta page whose head makes no sense is told by whoever opens the file; here also one of its numbers may be another.
            let range = page < 2 ? 48..<4096 : 0..<4096
            damaged[page * 4096 + Int.random(in: range, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Data(damaged).write(to: URL(filePath: path))
            let verdict = try PageSums.verdict(on: path)
            if verdict == .sound { free += 1 } else { #expect(verdict == .damaged([UInt64(page)])) }
        }
        // What the commit that made the table left behind.
        #expect(free <= 1)
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

    @Test("a page that is not in use may be anything: nobody ever synced it")
    func free() throws {
        let folder = try TemporaryFolder()
        _ = try made(folder)
        let environment = try folder.environment()
        for round in 0..<4 { try environment.put(["word \(round)": "another value"]) }
        try environment.sumPages()
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: folder.file())))
        var calm = 0
        for page in 2..<bytes.count / 4096 {
            var damaged = bytes
            damaged.replaceSubrange(page * 4096..<page * 4096 + 4096, with: repeatElement(0x5A, count: 4096))
            let copy = folder.file("copy.mdb")
            try Data(damaged).write(to: URL(filePath: copy))
            try Data(contentsOf: URL(filePath: PageSums.path(of: folder.file()))).write(to: URL(filePath: PageSums.path(of: copy)))
            let verdict = try PageSums.verdict(on: copy)
            if verdict == .sound { calm += 1 } else { #expect(verdict == .damaged([UInt64(page)])) }
        }
        #expect((1..<bytes.count / 4096 - 4).contains(calm))
        // Nor does what a commit that was cut short left behind the end.
        try Data(bytes + [UInt8](repeating: 1, count: 5000)).write(to: URL(filePath: folder.file("copy.mdb")))
        #expect(try PageSums.verdict(on: folder.file("copy.mdb")) == .sound)
    }

    @Test("they go, too, before a table is added that an older version did not have")
    func addedTable() throws {
        let folder = try TemporaryFolder()
        let path = try made(folder)
        _ = try Environment(opening: path, tables: ["words", "more"])
        #expect(try !folder.names().contains("data.mdb.sums"))
    }

    @Test("those of a file that is gone say nothing of the one that is made in its place")
    func madeAnew() throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        let make = { (tables: [String]) in try Environment.make(path, by: path + ".new", tables: tables, options: .init()) }
        try make(["words"])
        try PageSums(of: path).write(beside: path)
        try FileManager.default.removeItem(atPath: path)
        try make(["words", "more"])
        #expect(try PageSums.verdict(on: path) == .unknown)
    }

    @Test("a file that lost its name, with its folder, has none, and is written to")
    func nameless() throws {
        let environment: Environment
        do {
            let folder = try TemporaryFolder()
            environment = try folder.environment()
        }
        try environment.put(["one": "word"])
        try environment.sumPages()
        #expect(try environment.text("one") == "word")
    }

    @Test("who waited for a file that was replaced meanwhile sums up nothing, and compares nothing")
    func replaced() throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        let environment = try folder.environment()
        try environment.put(["one": "word"])
        do {
            let other = try Environment(opening: folder.file("other.mdb"), tables: ["words"])
            try other.put(["another": "word"])
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: folder.file("other.mdb"), toPath: path)
        try environment.sumPages()
        #expect(try !folder.names().contains("data.mdb.sums"))
        // As if somebody were writing to the new one.
        try PageSums(of: path).write(beside: path)
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        #expect(try environment.compareWithSums() == .unknown)
    }
}
