import LMDB
import TestSupport
import Testing

@Suite("Cursor")
struct CursorTests {
    @Test("it walks the table up and down in the order of the keys' bytes")
    func walks() throws {
        let folder = try TemporaryFolder()
        let environment = try filled(folder, ["b", "aa", "a", "\u{7f}", "é"])
        let snapshot = try environment.snapshot()
        var cursor = try snapshot.cursor(in: environment.words)
        var up: [String] = []
        while try cursor.next() { up.append(cursor.key.text) }
        #expect(up == ["a", "aa", "b", "\u{7f}", "é"])
        var down: [String] = []
        if try cursor.last() { repeat { down.append(cursor.key.text) } while try cursor.previous() }
        #expect(down == up.reversed())
    }

    @Test("a new cursor's first step leads to an end of the table")
    func firstStep() throws {
        let folder = try TemporaryFolder()
        let environment = try filled(folder, ["a", "b", "c"])
        let snapshot = try environment.snapshot()
        var upwards = try snapshot.cursor(in: environment.words)
        var downwards = try snapshot.cursor(in: environment.words)
        _ = try upwards.next()
        _ = try downwards.previous()
        let ends = [upwards.key.text, downwards.key.text]
        #expect(ends == ["a", "c"])
    }

    @Test("it finds a key, the next greater one, and the last below")
    func seeks() throws {
        let folder = try TemporaryFolder()
        let environment = try filled(folder, ["b", "d", "f"])
        let snapshot = try environment.snapshot()
        var cursor = try snapshot.cursor(in: environment.words)
        func key(_ found: Bool, _ cursor: borrowing Cursor) -> String? { found ? cursor.key.text : nil }
        var found: [[String?]] = []
        for sought in ["a", "b", "c", "f", "g"] {
            let exact = key(try cursor.seek(sought.raw), cursor)
            let atLeast = key(try cursor.seek(atLeast: sought.raw), cursor)
            let below = key(try cursor.seek(below: sought.raw), cursor)
            found.append([exact, atLeast, below])
        }
        #expect(found == [[nil, "b", nil], ["b", "b", nil], [nil, "d", "b"], ["f", "f", "d"], [nil, nil, "f"]])
    }

    @Test("after a move that found nothing it stands nowhere until it is sent somewhere")
    func nowhere() throws {
        let folder = try TemporaryFolder()
        let environment = try filled(folder, ["a", "b"])
        let snapshot = try environment.snapshot()
        var cursor = try snapshot.cursor(in: environment.words)
        var answers: [Bool] = []
        answers.append(try cursor.seek("x".raw))
        answers.append(try cursor.next())
        answers.append(try cursor.previous())
        answers.append(try cursor.seek(atLeast: "z".raw))
        answers.append(try cursor.previous())
        #expect(answers == [false, false, false, false, false])
        #expect(try cursor.first())
        let key = cursor.key.text
        #expect(key == "a")
    }

    @Test("in an empty table every move finds nothing")
    func emptyTable() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let snapshot = try environment.snapshot()
        var cursor = try snapshot.cursor(in: environment.words)
        var answers: [Bool] = []
        answers.append(try cursor.next())
        answers.append(try cursor.first())
        answers.append(try cursor.last())
        answers.append(try cursor.seek(below: "x".raw))
        answers.append(try cursor.seek(atLeast: "x".raw))
        #expect(answers == [false, false, false, false, false])
    }

    @Test("values of 0 bytes and of many pages are lent whole")
    func valueSizes() throws {
        let folder = try TemporaryFolder()
        let environment = try folder.environment()
        let sizes = [0, 1, 2_000, 2_100, 4_096, 65_536, 1 << 20]
        try environment.write { transaction in
            for (index, size) in sizes.enumerated() {
                try transaction.append(String(repeating: "v", count: size).raw, for: "\(index)".raw, in: environment.words)
            }
        }
        let snapshot = try environment.snapshot()
        var cursor = try snapshot.cursor(in: environment.words)
        var found: [Int] = []
        while try cursor.next() { found.append(cursor.value.byteCount) }
        #expect(found == sizes)
    }

    @Test("in a write transaction it sees what the transaction wrote")
    func inWriteTransaction() throws {
        let folder = try TemporaryFolder()
        let environment = try filled(folder, ["a"])
        try environment.write { transaction in
            try transaction.put("new".raw, for: "b".raw, in: environment.words)
            var cursor = try transaction.cursor(in: environment.words)
            let found = try cursor.last()
            let value = cursor.value.text
            #expect(found)
            #expect(value == "new")
        }
        #expect(try environment.entries() == ["a=a", "b=new"])
    }

    private func filled(_ folder: TemporaryFolder, _ keys: [String]) throws -> Environment {
        let environment = try folder.environment()
        try environment.put(Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) }))
        return environment
    }
}
