import Foundation
import LMDB
import TestSupport
import Testing

@Suite("Write transaction")
struct WriteTransactionTests {
    @Test("what is committed is there, also after the file was closed and opened again")
    func durable() throws {
        let folder = try TemporaryFolder()
        try folder.environment().put(["a": "1", "b": ""])
        let again = try folder.environment(.init(.write))
        #expect(try again.entries() == ["a=1", "b="])
    }

    @Test("what is not committed never was")
    func abandoned() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        func giveUp() throws {
            var transaction = try environment.beginWriting()
            try transaction.insert("1".raw, for: "a".raw, in: environment.words)
        }
        try giveUp()
        #expect(try environment.text("a") == nil)
        try environment.put(["a": "2"])  // the lock was let go, too
        #expect(try environment.text("a") == "2")
    }

    @Test("insert refuses a key that is there, keeps its value, and the transaction goes on")
    func insertTwice() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.write { transaction in
            try transaction.insert("1".raw, for: "a".raw, in: environment.words)
            let refusal = try failure { try transaction.insert("2".raw, for: "a".raw, in: environment.words) }
            #expect(refusal == .keyExists)
            try transaction.insert("3".raw, for: "b".raw, in: environment.words)
        }
        #expect(try environment.entries() == ["a=1", "b=3"])
    }

    @Test("put overwrites with shorter, longer and empty values")
    func putOverwrites() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        for value in ["first", "", "longer than the first", "x", String(repeating: "y", count: 70_000), ""] {
            try environment.put(["a": value])
            #expect(try environment.text("a") == value)
        }
    }

    @Test("append takes ascending keys only, and the transaction goes on after a refusal")
    func appendAscending() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.write { transaction in
            try transaction.append("1".raw, for: "b".raw, in: environment.words)
            for key in ["a", "b"] {
                let refusal = try failure { try transaction.append("2".raw, for: key.raw, in: environment.words) }
                #expect(refusal == .notAscending)
            }
            try transaction.append("3".raw, for: "c".raw, in: environment.words)
        }
        #expect(try environment.entries() == ["b=1", "c=3"])
    }

    @Test("reserve lends zeroed room to write in, in every mode and size", arguments: [0, 1, 3, 300, 5_000, 100_000])
    func reserveInPlace(byteCount: Int) throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.write { transaction in
            for (key, mode) in [("a", WriteTransaction.StoreMode.insert), ("b", .append), ("b", .put)] {
                try transaction.reserve(byteCount, for: key.raw, in: environment.words, as: mode) { room in
                    #expect(room.byteCount == byteCount)
                    if byteCount > 0 { room.storeBytes(of: UInt8(ascii: "x"), as: UInt8.self) }
                }
            }
            let twice = try failure { try transaction.reserve(1, for: "a".raw, in: environment.words, as: .insert) { _ in } }
            #expect(twice == .keyExists)
            let backwards = try failure { try transaction.reserve(1, for: "a".raw, in: environment.words, as: .append) { _ in } }
            #expect(backwards == .notAscending)
        }
        let expected = byteCount == 0 ? "" : "x" + String(repeating: "\0", count: byteCount - 1)
        #expect(try environment.text("a") == expected)
        #expect(try environment.text("b") == expected)
    }

    @Test("delete says whether there was something, clear leaves an empty table")
    func deleteAndClear() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        try environment.put(["a": "1", "b": "2", "c": "3"])
        try environment.write { transaction in
            #expect(try transaction.delete("a".raw, in: environment.words))
            let again = try transaction.delete("a".raw, in: environment.words)
            #expect(!again)
        }
        #expect(try environment.entries() == ["b=2", "c=3"])
        try environment.write { try $0.clear(environment.words) }
        #expect(try environment.entries() == [])
    }

    @Test("a transaction reads what it wrote itself, a snapshot taken before does not")
    func readsItsOwn() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let before = try environment.snapshot()
        try environment.write { transaction in
            try transaction.put("1".raw, for: "a".raw, in: environment.words)
            let seen = try transaction.value(of: "a".raw, in: environment.words)?.text
            #expect(seen == "1")
            let inside = try count(transaction.reader, environment.words)
            #expect(inside == 1)
        }
        let outside = try count(before.reader, environment.words)
        #expect(outside == 0)
    }

    @Test("keys are 1 to 511 bytes long, in every call")
    func keyLengths() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let words = environment.words
        try environment.write { transaction in
            for key in ["", String(repeating: "k", count: 512)] {
                var kinds: [LMDBError.Kind?] = []
                kinds.append(try failure { try transaction.insert("".raw, for: key.raw, in: words) })
                kinds.append(try failure { try transaction.put("".raw, for: key.raw, in: words) })
                kinds.append(try failure { try transaction.append("".raw, for: key.raw, in: words) })
                kinds.append(try failure { try transaction.reserve(0, for: key.raw, in: words) { _ in } })
                kinds.append(try failure { _ = try transaction.delete(key.raw, in: words) })
                kinds.append(try failure { _ = try transaction.contains(key.raw, in: words) })
                kinds.append(try failure { _ = try transaction.value(of: key.raw, in: words)?.byteCount })
                kinds.append(
                    try failure {
                        var cursor = try transaction.cursor(in: words)
                        _ = try cursor.seek(atLeast: key.raw)
                    })
                #expect(kinds == Array(repeating: .badSize, count: 8))
            }
            for key in ["k", String(repeating: "k", count: 511)] { try transaction.insert("v".raw, for: key.raw, in: words) }
        }
        #expect(try environment.entries().count == 2)
    }

    @Test("a full map is said so, the transaction is good for nothing more, and the file stays as it was")
    func mapFull() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment(.init(.create, mapBytes: 128 << 10))
        try environment.put(["a": "1"])
        func fill() throws {
            var transaction = try environment.beginWriting()
            let big = String(repeating: "b", count: 200_000)
            let full = try failure { try transaction.put(big.raw, for: "b".raw, in: environment.words) }
            #expect(full == .mapFull)
            let after = try failure { try transaction.put("1".raw, for: "c".raw, in: environment.words) }
            #expect(after == .spoiled)
            let reading = try failure { _ = try transaction.contains("a".raw, in: environment.words) }
            #expect(reading == .spoiled)
            try transaction.commit()
        }
        #expect(try failure { try fill() } == .spoiled)
        #expect(try environment.entries() == ["a=1"])
    }

    @Test("a commit that the disk refuses leaves the file as it was")
    func refusedCommit() async throws {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let environment = try folder.environment()
            try environment.put(["a": "1"])
            try limitFileSize(bytes: 64 << 10) {
                let refusal = try failure { try environment.put(["b": String(repeating: "b", count: 1 << 20)]) }
                #expect(refusal == .system(EIO))
            }
            #expect(try environment.entries() == ["a=1"])
            try environment.put(["c": "3"])
            #expect(try environment.entries() == ["a=1", "c=3"])
        }
    }

    @Test("a full disk is said to be full, and the file stays as it was", .enabled(if: SmallDisk.isPossible))
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        let disk = try SmallDisk(at: folder.path, bytes: 512 << 10)
        let environment = try folder.environment()
        try environment.put(["a": "1"])
        #expect(try failure { try environment.put(["b": String(repeating: "b", count: 1 << 20)]) } == .noSpace)
        #expect(try environment.entries() == ["a=1"])
        disk.keep()
    }

    @Test("a second write transaction on one thread is a bug that is said, not a thread that waits for ever")
    func twoWritersOnOneThread() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file()
        await #expect(processExitsWith: .failure) { [path = path as String] in
            let environment = try Environment(opening: path, tables: ["words"])
            try environment.write { _ in try environment.put(["a": "1"]) }
        }
    }

    @Test("write transactions of several threads wait for each other, and none of them is lost")
    func manyWriters() async throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask { for index in 0..<25 { try environment.put(["\(writer)-\(index)": "x"]) } }
            }
        }
        #expect(try environment.entries().count == 100)
    }

    private func count(_ reader: Reader, _ table: Table) throws -> Int { try reader.count(of: table) }
}
