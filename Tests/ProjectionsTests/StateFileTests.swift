import Events
import LMDB
import Projections
import TestSupport
import Testing

@Suite("StateFile")
struct StateFileTests {
    @Test("a new file knows of no progress; afterwards it has what was written last")
    func progress() throws {
        let state = try StateOfTest()
        #expect(try state.progress() == nil)
        for position: UInt64 in [5, 900] {
            let progress = StateFile.Progress(
                position: Position(position), recorded: instant(1_795_416_138_123), messages: 4, bodyBytes: 1 << 40)
            try state.write { file, transaction in try file.write(progress, &transaction) }
            #expect(try state.progress() == progress)
        }
    }

    @Test("progress and policies outlive the process")
    func reopens() throws {
        let folder = try TemporaryFolder()
        let progress = StateFile.Progress(position: Position(5), recorded: instant(99), messages: 4, bodyBytes: 100)
        try StateOfTest(in: folder).write { file, transaction in
            try file.write(progress, &transaction)
            try file.keepPolicy(Self.change(5, .keep(.forever)).encoded(), at: Position(5), &transaction)
        }
        let state = try StateOfTest(in: folder)
        #expect(try state.progress() == progress)
        #expect(try state.book().history(of: .tenant("acme")).map(\.position) == [Position(5)])
    }

    @Test("the policies come back as a book, with their positions and times")
    func policies() throws {
        let state = try StateOfTest()
        let changes = [
            Self.change(3, .keep(.days(30)), at: 100), Self.change(256, .inherit, at: 50), Self.change(255, .keep(.years(5)), at: 90),
        ]
        try state.write { file, transaction in
            for change in changes { try file.keepPolicy(change.encoded(), at: change.position, &transaction) }
        }
        let history = try state.book().history(of: .tenant("acme"))
        #expect(history.map(\.position) == [Position(3), Position(255), Position(256)])
        #expect(history.map(\.at) == [instant(100), instant(90), instant(50)])
        #expect(history.map(\.rule) == [.keep(.days(30)), .keep(.years(5)), .inherit])
    }

    @Test("a policy kept twice is there once")
    func policyTwice() throws {
        let state = try StateOfTest()
        for _ in 0..<2 {
            try state.write { file, transaction in
                try file.keepPolicy(Self.change(3, .inherit).encoded(), at: Position(3), &transaction)
            }
        }
        #expect(try state.book().history(of: .tenant("acme")).count == 1)
    }

    @Test("tables of other rooms are in the same file, and no part of what events mean")
    func tables() throws {
        let state = try StateOfTest()
        #expect(state.file.tables.map(\.name) == ["policies", "hides", "clears", "conversations", "presence"])
        try state.put([1], for: [2], in: "others")
        #expect(try state.read { file, reader in try reader.count(of: file.environment.table(named: "others")) } == 1)
    }

    @Test("progress that nobody wrote so is damage, and no trap")
    func damagedProgress() throws {
        let sound = words(1, 5, 99, 4, 100)
        let damaged = [[], Array(sound.dropLast()), sound + [0], words(2, 5, 99, 4, 100), words(1, 5, .max, 4, 100)]
        for bytes in damaged {
            let state = try StateOfTest()
            try state.put(bytes, for: words(0), in: "meta")
            let failure = #expect(throws: ProjectionFailure.self, "\(bytes)") { try state.progress() }
            #expect("\(try #require(failure))".contains("table meta"))
        }
    }

    @Test("a policy that is no record, or the record of something else, is damage, and no trap")
    func damagedPolicies() throws {
        let deletion = LocalDelete(conversation: "general", viewer: "bob", extent: .upTo(.first))
        let other = Event(position: .first, at: .distantPast, principal: .system, tenant: "acme", deed: .localDelete(deletion))
        for bytes in [[], [1, 2, 3], other.encoded()] {
            let state = try StateOfTest()
            try state.put(bytes, for: words(1), in: "policies")
            #expect(throws: ProjectionFailure.self, "\(bytes)") { try state.book() }
        }
    }

    private static func change(_ position: UInt64, _ rule: RetentionChange.Rule, at: Int64 = 0) -> Event {
        Event(
            position: Position(position), at: instant(at), principal: .system, tenant: "acme",
            deed: .retentionChange(RetentionChange(scope: .tenant("acme"), rule: rule, effectiveAt: instant(at), reason: "")))
    }
}

extension StateOfTest {
    fileprivate func progress() throws -> StateFile.Progress? { try read { file, reader in try file.progress(reader) } }

    fileprivate func book() throws -> PolicyBook { try read { file, reader in try file.policyBook(reader) } }
}
