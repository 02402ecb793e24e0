import Foundation
import Glibc
import LMDB
import TestSupport
import Testing

@Suite("SimulatedDisk")
struct SimulatedDiskTests {
    /// A disk in a folder of its own.
    private final class Place {
        let disk: Disk
        let root: String
        private let folder: TemporaryFolder

        init() throws {
            folder = try .inMemory()
            root = folder.file("root")
            for name in ["root", "graveyard"] {
                try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: false)
            }
            disk = Disk(root, graveyard: folder.file("graveyard"))
        }

        deinit { disk.end() }

        /// Returns what the last call said.
        @discardableResult
        func write(_ text: String, to name: String, syncing: Bool = false, at offset: Int = 0) -> CInt {
            let file = open("\(root)/\(name)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(file) }
            guard file >= 0, pwrite(file, text, text.utf8.count, offset) == text.utf8.count else { return errno }
            return syncing && fdatasync(file) != 0 ? errno : 0
        }

        func syncNames() {
            let folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            fsync(folder)
            close(folder)
        }

        func text(of name: String) -> String? {
            FileManager.default.contents(atPath: "\(root)/\(name)").map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test("what was not synced is lost, and what was is there")
    func losesWrites() throws {
        let place = try Place()
        place.write("one", to: "a", syncing: true)
        place.syncNames()
        place.write("two and more", to: "a")
        place.write("new", to: "b", syncing: true)
        #expect(place.text(of: "a") == "two and more")
        place.disk.crash(.nothing, seed: 1)
        #expect(place.text(of: "a") == "one" && place.text(of: "b") == nil)
    }

    @Test("a name is there when its folder was synced, and a removed file is back when it was not")
    func losesNames() throws {
        let place = try Place()
        place.write("one", to: "a", syncing: true)
        place.write("two", to: "b", syncing: true)
        place.syncNames()
        #expect(rename("\(place.root)/b", "\(place.root)/a") == 0)
        #expect(unlink("\(place.root)/a") == 0)
        #expect(place.text(of: "a") == nil)
        place.disk.crash(.nothing, seed: 1)
        #expect(place.text(of: "a") == "one" && place.text(of: "b") == "two")
    }

    @Test("a write is torn at a sector")
    func tears() throws {
        let (old, new) = (String(repeating: "o", count: 4096), String(repeating: "n", count: 4096))
        var isTorn = false
        for seed in 0..<20 as Range<UInt64> where !isTorn {
            let place = try Place()
            place.write(old, to: "a", syncing: true)
            place.syncNames()
            place.write(new, to: "a")
            place.disk.crash(.any, seed: seed)
            let bytes = Array((try #require(place.text(of: "a"))).utf8)
            #expect(bytes.count == 4096)
            let sectors = stride(from: 0, to: 4096, by: 512).map { Set(bytes[$0..<$0 + 512]) }
            #expect(sectors.allSatisfy { $0.count == 1 })
            isTorn = Set(sectors).count > 1
        }
        #expect(isTorn)
    }

    @Test("from the call at which the machine stops on nothing is written")
    func dies() throws {
        let place = try Place()
        place.write("one", to: "a", syncing: true)
        place.syncNames()
        place.disk.die(after: 1)
        #expect(place.write("two", to: "a", syncing: true) == EIO)
        #expect(place.write("three", to: "a") == EIO)
        #expect(place.disk.isDead)
        place.disk.crash(.everything, seed: 1)
        #expect(place.text(of: "a") == "two")
        #expect(place.write("four", to: "a", syncing: true) == 0)
    }

    @Test("what a failed sync has lost no later one brings back, unless its page is written to again")
    func losesWhatAFailedSyncHad() throws {
        for isWrittenAgain in [false, true] {
            let place = try Place()
            place.write("one", to: "a", syncing: true)
            place.syncNames()
            place.disk.fail(.sync, after: 0, error: EIO, forever: false)
            #expect(place.write("two", to: "a", syncing: true) == EIO)
            #expect(place.write("!", to: "a", syncing: true, at: isWrittenAgain ? 3 : 4096) == 0)
            place.disk.crash(.nothing, seed: 1)
            #expect(place.text(of: "a")?.prefix(3) == (isWrittenAgain ? "two" : "one"))
        }
    }

    @Test("a full disk takes nothing and says so")
    func fillsUp() throws {
        let place = try Place()
        place.disk.space = 4096
        #expect(place.write("one", to: "a", syncing: true) == 0)
        #expect(place.write("two", to: "b") == ENOSPC)
        var status = statvfs()
        #expect(statvfs(place.root, &status) == 0 && status.f_bavail == 0)
        #expect(unlink("\(place.root)/a") == 0)
        #expect(place.disk.space == 4096)
        #expect(place.write("two", to: "b") == 0)
    }

    @Test("what LMDB writes comes through, and what is beside the disk does not")
    func seesLMDB() throws {
        let place = try Place()
        let path = place.root + "/file.mdb"
        do {
            let environment = try Environment(opening: path, tables: ["table"], options: .init(.create, mapBytes: 1 << 20))
            let before = (place.disk.count(of: .write), place.disk.count(of: .sync))
            try environment.write { transaction in
                try transaction.put([1, 2].span.bytes, for: [3].span.bytes, in: environment.table(named: "table"))
            }
            #expect(place.disk.count(of: .write) >= before.0 + 2 && place.disk.count(of: .sync) > before.1)
        }
        place.disk.crash(.nothing, seed: 1)
        let environment = try Environment(opening: path, tables: ["table"], options: .init(.write, mapBytes: 1 << 20))
        let table = environment.table(named: "table")
        #expect(try environment.read { reader in try reader.contains([3].span.bytes, in: table) })
        let calls = place.disk.calls
        let other = try TemporaryFolder.inMemory()
        try Data([1]).write(to: URL(filePath: other.file("a")))
        #expect(place.disk.calls == calls)
    }
}
