import LMDB
import TestSupport

extension TemporaryFolder {
    /// Where the test's environment is.
    func file() -> String { file("data.mdb") }

    /// An environment with one table, "words".
    func environment(_ options: Environment.Options = .init()) throws -> Environment {
        try Environment(opening: file(), tables: ["words"], options: options)
    }
}

extension Environment {
    var words: Table { table(named: "words") }

    func put(_ entries: [String: String]) throws {
        try write { transaction in
            for (key, value) in entries { try transaction.put(value.raw, for: key.raw, in: words) }
        }
    }

    /// The value under `key`, as a new snapshot sees it.
    func text(_ key: String) throws -> String? {
        let snapshot = try snapshot()
        return try snapshot.value(of: key.raw, in: words)?.text
    }

    /// Every entry, in order, as "key=value".
    func entries() throws -> [String] {
        let snapshot = try snapshot()
        var cursor = try snapshot.cursor(in: words)
        var found: [String] = []
        while try cursor.next() { found.append("\(cursor.key.text)=\(cursor.value.text)") }
        return found
    }
}

extension String {
    var raw: RawSpan { @_lifetime(borrow self) borrowing get { utf8Span.span.bytes } }
}

extension RawSpan {
    var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

/// The kind of error that `body` ends with, or nil when it ends well.
func failure(of body: () throws -> Void) throws -> LMDBError.Kind? {
    do {
        try body()
        return nil
    } catch let error as LMDBError {
        return error.kind
    }
}
