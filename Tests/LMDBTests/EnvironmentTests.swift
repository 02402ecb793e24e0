import Foundation
import TestSupport
import Testing

@testable import LMDB

@Suite("Environment")
struct EnvironmentTests {
    @Test("a file is opened once in a process, whatever it is called, and again when it was closed")
    func openedOnce() throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        let (soft, hard) = (folder.file("soft"), folder.file("hard"))
        do {
            let environment = try folder.environment()
            #expect(symlink(path, soft) == 0)
            #expect(link(path, hard) == 0)
            for name in [path, soft, hard, folder.path + "/./data.mdb"] {
                let refusal = try failure { _ = try Environment(opening: name, tables: ["words"]) }
                #expect(refusal == .alreadyOpen)
            }
            try environment.put(["a": "1"])
        }
        let again = try Environment(opening: soft, tables: ["words"])
        #expect(try again.entries() == ["a=1"])
        #expect(again.path.hasSuffix("/data.mdb"))
        #expect(!FileManager.default.fileExists(atPath: soft + "-lock"))
    }

    @Test("a failed open gives the file free again")
    func failedOpenReleases() throws {
        let folder = try TemporaryFolder()
        try Data("not a data file at all, but long enough to hold what LMDB looks for".utf8)
            .write(to: URL(filePath: folder.file()))
        for _ in 0..<2 { #expect(try failure { _ = try folder.environment() } == .damaged(.unreadable(-30793))) }
        try FileManager.default.removeItem(atPath: folder.file())
        _ = try folder.environment()
    }

    @Test("two threads that open one new file: one gets it, the other hears that it is open")
    func openedAtOnce() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        let outcomes = try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { () -> Environment? in
                    do { return try Environment(opening: path, tables: ["words"]) } catch let error as LMDBError {
                        #expect(error.kind == .alreadyOpen)
                        return nil
                    }
                }
            }
            return try await group.reduce(into: [Environment]()) { if let environment = $1 { $0.append(environment) } }
        }
        #expect(outcomes.count == 1)
    }

    @Test("files are for their owner only, and the map is address space, not disk")
    func modesAndSizes() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        for path in [folder.file(), folder.file() + "-lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        let information = try environment.information()
        #expect(information.mapBytes == 64 << 30)
        #expect(information.allocatedBytes < 1 << 20)
    }

    @Test("writing and reading want a file that is there, with its tables", arguments: [Environment.Access.write, .read, .readFrozen])
    func missing(access: Environment.Access) throws {
        let folder = try TemporaryFolder()
        #expect(try failure { _ = try folder.environment(.init(access)) } == .system(ENOENT))
        try folder.environment().put(["a": "1"])
        let refusal = try failure {
            _ = try Environment(opening: folder.file(), tables: ["words", "numbers"], options: .init(access))
        }
        #expect(refusal == .missingTable("numbers"))
        #expect(try folder.environment(.init(access)).entries() == ["a=1"])
    }

    @Test("an empty file is a new one for who creates, and a lost one for everybody else")
    func emptyFile() throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(filePath: folder.file()))
        #expect(try failure { _ = try folder.environment(.init(.write)) } == .damaged(.unreadable(-30793)))
        #expect(try failure { _ = try folder.environment(.init(.readFrozen)) } == .damaged(.unreadable(-30793)))
        #expect(try folder.environment().entries() == [])
    }

    @Test("a folder that is not there is the system's refusal, under its own number")
    func missingFolder() throws {
        #expect(try failure { _ = try Environment(opening: "/nowhere/at/all.mdb", tables: []) } == .system(ENOENT))
    }

    @Test("who only reads cannot write", arguments: [Environment.Access.read, .readFrozen])
    func readOnly(access: Environment.Access) throws {
        let folder = try TemporaryFolder()
        try folder.environment().put(["a": "1"])
        let environment = try folder.environment(.init(access))
        #expect(try failure { try environment.put(["b": "2"]) } == .system(EACCES))
        #expect(try environment.entries() == ["a=1"])
    }

    @Test("a frozen copy is read without touching anything beside it")
    func frozen() throws {
        let folder = try TemporaryFolder()
        try folder.environment().put(["a": "1"])
        try FileManager.default.removeItem(atPath: folder.file() + "-lock")
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: folder.file())
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
        #expect(try folder.environment(.init(.readFrozen)).entries() == ["a=1"])
        #expect(!FileManager.default.fileExists(atPath: folder.file() + "-lock"))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
    }

    @Test("a snapshot does not move while others write")
    func snapshotsStay() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        let before = try environment.snapshot()
        try environment.put(["a": "2"])
        let old = try before.lend("a".raw, in: environment.words) { $0.text }
        let none = try before.lend("b".raw, in: environment.words) { $0.text }
        #expect(old == "1")
        #expect(none == nil)
        #expect(try environment.text("a") == "2")
    }

    @Test("when every reader slot is taken it says so, and a slot given back can be taken again")
    func readersFull() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment(.init(.create, readersMax: 1))
        func holdAndTry() throws -> LMDBError.Kind? {
            let held = try environment.snapshot()
            let refusal = try failure { _ = try environment.text("a") }
            _ = try held.contains("a".raw, in: environment.words)
            return refusal
        }
        #expect(try holdAndTry() == .readersFull)
        #expect(try environment.text("a") == nil)
    }

    @Test("a table of another file is a bug that is said")
    func tableOfAnother() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let one = try Environment(opening: path, tables: ["words"])
            let other = try Environment(opening: path + "-other", tables: ["words"])
            try one.write { transaction in _ = try transaction.contains("a".raw, in: other.words) }
        }
    }

    @Test("a table that was not opened with the file is a bug that is said")
    func unknownTable() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        await #expect(processExitsWith: .failure) { [path = path as String] in
            _ = try Environment(opening: path, tables: ["words"]).table(named: "numbers")
        }
    }

    @Test("network and user-space file systems are told from local ones")
    func remoteFileSystems() {
        for type: UInt32 in [0x6969, 0xFF53_4D42, 0xFE53_4D42, 0x6573_5546, 0x0102_1997, 0x00C3_6400] {
            #expect(FileSystem.isRemote(type))
        }
        #expect(FileSystem.type(at: "/proc") == 0x9FA0)
        // ext4, xfs, btrfs, tmpfs, overlay, zfs
        for type: UInt32 in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1] {
            #expect(!FileSystem.isRemote(type))
        }
    }
}
