import Testing

/// What a room above may not do is what the compiler refuses. Each snippet is compiled against the module, as a
/// room of the same package would be: without `Lifetimes`, with warnings as errors.
@Suite("Misuse does not compile")
struct MisuseTests {
    @Test("what is right compiles")
    func control() async throws {
        let complaints = try await Compiler.shared.complaints(
            about: """
                func read(_ reader: Reader, _ table: Table, _ key: RawSpan) throws -> Int {
                    var bytes = try reader.value(of: key, in: table)?.byteCount ?? 0
                    var cursor = try reader.cursor(in: table)
                    while try cursor.next() { bytes += cursor.key.byteCount + cursor.value.byteCount }
                    return bytes
                }
                func write(_ transaction: inout WriteTransaction, _ table: Table, _ key: RawSpan) throws(LMDBError) {
                    try transaction.put(key, for: key, in: table)
                    if let bytes = try transaction.value(of: key, in: table) { print(bytes.byteCount) }
                    try transaction.reserve(8, for: key, in: table, as: .append) { $0.storeBytes(of: 7, as: UInt64.self) }
                }
                func all(_ environment: Environment, _ table: Table, _ key: RawSpan) throws {
                    let snapshot = try environment.snapshot()
                    print(try read(snapshot.reader, table, key))
                    var transaction = try environment.beginWriting()
                    try write(&transaction, table, key)
                    print(try read(transaction.reader, table, key))
                    do {
                        var cursor = try transaction.cursor(in: table)
                        while try cursor.previous() { if cursor.key.byteCount > 3 { break } }
                    }
                    try write(&transaction, table, key)
                    try transaction.commit()
                }
                final class Holder: Sendable {
                    let environment: Environment
                    let tables: [String: Environment] = [:]
                    init(_ environment: Environment) { self.environment = environment }
                    func count(_ table: Table) throws -> Int {
                        let environment = environment  // a class's property cannot be borrowed for as long
                        return try environment.snapshot().count(of: table)
                    }
                    func count(_ name: String, _ table: Table) throws -> Int? {
                        guard let environment = tables[name] else { return nil }
                        let snapshot = try environment.snapshot()
                        return try snapshot.count(of: table)
                    }
                }
                """)
        #expect(complaints == "")
    }

    @Test("misuse is refused, for the right reason", arguments: Misuse.all)
    func refused(misuse: Misuse) async throws {
        let complaints = try await Compiler.shared.complaints(about: misuse.source)
        #expect(complaints.contains("error: "), "\(misuse.name) compiles")
        #expect(complaints.contains(misuse.reason), "\(misuse.name): \(complaints)")
        #expect(!complaints.contains("Stack dump"))
    }
}

struct Misuse: Sendable, CustomTestStringConvertible {
    let name: String
    let reason: String
    let source: String

    var testDescription: String { name }

    /// `body` is what a synchronous function does that was handed an environment, a table and a key.
    init(_ name: String, reason: String, body: String) {
        self.init(
            name, reason: reason,
            source: "func misuse(_ environment: Environment, _ table: Table, _ key: RawSpan) throws {\n\(body)\n}")
    }

    init(_ name: String, reason: String, source: String) {
        (self.name, self.reason, self.source) = (name, reason, source)
    }

    static let all = transactions + lent + cursors

    private static let transactions = [
        Misuse(
            "using a transaction after its commit", reason: "used after consume",
            body: """
                var transaction = try environment.beginWriting()
                try transaction.put(key, for: key, in: table)
                try transaction.commit()
                try transaction.put(key, for: key, in: table)
                """),
        Misuse(
            "committing twice", reason: "consumed more than once",
            body: """
                let transaction = try environment.beginWriting()
                try transaction.commit()
                try transaction.commit()
                """),
        Misuse(
            "a snapshot in an asynchronous function", reason: "unavailable from asynchronous contexts",
            source: """
                func misuse(_ environment: Environment, _ table: Table) async throws {
                    let snapshot = try environment.snapshot()
                    await Task.yield()
                    print(try snapshot.count(of: table))
                }
                """),
        Misuse(
            "a write transaction in an asynchronous function", reason: "unavailable from asynchronous contexts",
            source: """
                func misuse(_ environment: Environment) async throws {
                    let transaction = try environment.beginWriting()
                    await Task.yield()
                    try transaction.commit()
                }
                """),
        Misuse(
            "a snapshot smuggled into a task", reason: "lifetime-dependent",
            body: """
                let snapshot = try environment.snapshot()
                Task { print(try snapshot.count(of: table)) }
                """),
        Misuse(
            "a reader smuggled into a closure that stays", reason: "lifetime-dependent",
            source: """
                func keep(_ body: @escaping () throws -> Void) {}
                func misuse(_ environment: Environment, _ table: Table) throws {
                    let reader = try environment.snapshot().reader
                    keep { print(try reader.count(of: table)) }
                }
                """),
        Misuse(
            "a snapshot kept in a value", reason: "non-Escapable type",
            source: "struct Misuse: ~Copyable { let snapshot: Snapshot }"),
        Misuse(
            "a snapshot handed out", reason: "~Escapable",
            source: "func misuse(_ environment: Environment) throws -> Snapshot { try environment.snapshot() }"),
        Misuse(
            "writing to a snapshot", reason: "has no member 'put'",
            body: """
                let snapshot = try environment.snapshot()
                try snapshot.put(key, for: key, in: table)
                """),
        Misuse(
            "a reader out of nothing", reason: "inaccessible",
            body: "_ = Reader(transaction: OpaquePointer(bitPattern: 8)!, environment: table.environment)"),
    ]

    private static let lent = [
        Misuse(
            "changing the file while bytes of it are lent", reason: "overlapping accesses",
            body: """
                var transaction = try environment.beginWriting()
                let bytes = try transaction.value(of: key, in: table)
                try transaction.put(key, for: key, in: table)
                print(bytes?.byteCount ?? 0)
                """),
        Misuse(
            "changing the file under a reader", reason: "overlapping accesses",
            body: """
                var transaction = try environment.beginWriting()
                let reader = transaction.reader
                try transaction.clear(table)
                print(try reader.count(of: table))
                """),
        Misuse(
            "committing while bytes are lent", reason: "cannot be consumed when captured",
            body: """
                let transaction = try environment.beginWriting()
                let bytes = try transaction.value(of: key, in: table)
                try transaction.commit()
                print(bytes?.byteCount ?? 0)
                """),
        Misuse(
            "lent bytes that leave the closure", reason: "lifetime-dependent",
            body: """
                let snapshot = try environment.snapshot()
                var kept = RawSpan()
                _ = try snapshot.lend(key, in: table) { kept = $0 }
                print(kept.byteCount)
                """),
        Misuse(
            "bytes that outlive their snapshot", reason: "lifetime-dependent",
            body: """
                var kept = RawSpan()
                do {
                    let snapshot = try environment.snapshot()
                    if let bytes = try snapshot.value(of: key, in: table) { kept = bytes }
                }
                print(kept.byteCount)
                """),
        Misuse(
            "room for a value that leaves the closure", reason: "lifetime-dependent",
            body: """
                var transaction = try environment.beginWriting()
                var kept = RawSpan()
                try transaction.reserve(8, for: key, in: table) { kept = $0.bytes }
                print(kept.byteCount)
                """),
    ]

    private static let cursors = [
        Misuse(
            "a cursor's value after it moved", reason: "overlapping accesses",
            body: """
                let snapshot = try environment.snapshot()
                var cursor = try snapshot.cursor(in: table)
                guard try cursor.next() else { return }
                let value = cursor.value
                _ = try cursor.next()
                print(value.byteCount)
                """),
        Misuse(
            "changing the file under a cursor", reason: "overlapping accesses",
            body: """
                var transaction = try environment.beginWriting()
                var cursor = try transaction.cursor(in: table)
                try transaction.put(key, for: key, in: table)
                _ = try cursor.next()
                """),
        Misuse(
            "committing under a cursor", reason: "cannot be consumed when captured",
            body: """
                let transaction = try environment.beginWriting()
                var cursor = try transaction.cursor(in: table)
                _ = try cursor.next()
                try transaction.commit()
                """),
    ]
}
