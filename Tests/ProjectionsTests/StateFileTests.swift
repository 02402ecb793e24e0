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
            try file.keep(Self.change(5, .keep(.forever)), &transaction)
        }
        let state = try StateOfTest(in: folder)
        #expect(try state.progress() == progress)
        #expect(try state.book().policies.history(of: .tenant("acme")).map(\.position) == [Position(5)])
    }

    @Test("the policies come back as a book, with their positions and times")
    func policies() throws {
        let state = try StateOfTest()
        let changes = [
            Self.change(3, .keep(.days(30)), at: 100), Self.change(256, .inherit, at: 50), Self.change(255, .keep(.years(5)), at: 90),
        ]
        try state.write { file, transaction in
            for change in changes { try file.keep(change, &transaction) }
        }
        let history = try state.book().policies.history(of: .tenant("acme"))
        #expect(history.map(\.position) == [Position(3), Position(255), Position(256)])
        #expect(history.map(\.at) == [instant(100), instant(90), instant(50)])
        #expect(history.map(\.rule) == [.keep(.days(30)), .keep(.years(5)), .inherit])
    }

    @Test("a policy kept twice is there once")
    func policyTwice() throws {
        let state = try StateOfTest()
        for _ in 0..<2 {
            try state.write { file, transaction in
                try file.keep(Self.change(3, .inherit), &transaction)
            }
        }
        #expect(try state.book().policies.history(of: .tenant("acme")).count == 1)
    }

    @Test("tables of other rooms are in the same file, and no part of what events mean")
    func tables() throws {
        let state = try StateOfTest()
        #expect(state.file.tables.map(\.name) == ["policies", "holds", "purges", "hides", "clears", "conversations", "presence"])
        try state.put([1], for: [2], in: "others")
        #expect(try state.read { file, reader in try reader.count(of: file.environment.table(named: "others")) } == 1)
    }

    @Test("progress that nobody wrote so is damage, and no trap")
    func damagedProgress() throws {
        let sound = words(2, 5, 99, 4, 100)
        let damaged = [[], Array(sound.dropLast()), sound + [0], words(1, 5, 99, 4, 100), words(2, 5, .max, 4, 100)]
        for bytes in damaged {
            let state = try StateOfTest()
            try state.put(bytes, for: words(0), in: "meta")
            let failure = #expect(throws: ProjectionFailure.self, "\(bytes)") { try state.progress() }
            #expect("\(try #require(failure))".contains("table meta"))
        }
    }

    @Test("a rule that is no record, or the record of something else, or at another position, is damage, and no trap")
    func damagedRules() throws {
        let deletion = LocalDelete(conversation: "general", viewer: "bob", extent: .upTo(.first))
        let other = Event(position: .first, at: .distantPast, principal: .system, tenant: "acme", deed: .localDelete(deletion))
        let clock = Event(
            position: .first, at: .distantPast, principal: .system, tenant: nil,
            deed: .clockConfirm(ClockConfirm(wall: .distantPast, reason: "")))
        for (table, stranger) in [("policies", clock), ("holds", Self.change(1, .inherit)), ("purges", Self.change(1, .inherit))] {
            for bytes in [[], [1, 2, 3], other.encoded(), stranger.encoded(), Self.change(2, .inherit).encoded()] {
                let state = try StateOfTest()
                try state.put(bytes, for: words(1), in: table)
                let failure = #expect(throws: ProjectionFailure.self, "\(table): \(bytes)") { try state.book() }
                #expect("\(try #require(failure))".contains("table \(table)"))
            }
        }
    }

    @Test("rules of all tables come back in order of position")
    func mergedRules() throws {
        let state = try StateOfTest()
        let hold = HoldPlace(id: "h", coverage: .everything, matter: "m", reason: "")
        let deeds: [Event.Deed] = [
            .holdPlace(hold), .retentionChange(RetentionChange(scope: .system, rule: .inherit, effectiveAt: instant(9), reason: "")),
            .holdRelease(HoldRelease(id: "h", coverage: .everything, reason: "")),
            .purgeIntent(.ofTest(lines: [PurgeLine(partition: 1, tenant: "acme", keys: [7], messages: 1, conversations: 1, bytes: 1)])),
            .retentionCancel(RetentionCancel(scope: .system, change: Position(2), reason: "")), .holdPlace(hold),
            .purge(Purge(intent: Position(4), outcome: .destroyed, messages: 1, bytes: 1, keys: 1, digest: .counting)),
            .clockConfirm(ClockConfirm(wall: instant(1), reason: "")),
        ]
        try state.write { file, transaction in
            for (index, deed) in deeds.enumerated().reversed() {
                try file.keep(
                    Event(position: Position(UInt64(index) + 1), at: instant(5), principal: .user(1), tenant: nil, deed: deed), &transaction
                )
            }
        }
        let book = try state.book()
        #expect(book.policies.entry(at: Position(2))?.entry.cancelled?.position == Position(5))
        #expect(book.holds.all(within: .all).map(\.placed.position) == [Position(1), Position(6)])
        #expect(book.holds.standing(within: .all).map(\.placed.position) == [Position(6)])
        #expect(book.purges.open.isEmpty && book.purges.last?.intent == Position(4))
        #expect(book.last == Position(6))
    }

    @Test("a key has its partition until it is forgotten")
    func keys() throws {
        let state = try StateOfTest()
        try state.write { file, transaction in
            for (key, partition) in [(300 as UInt64, Int32(17_532)), (2, -1), (1, 0)] {
                for _ in 0..<2 { try file.noteKey(key, partition: partition, &transaction) }
            }
        }
        #expect(try state.keys() == ["1 in 0", "2 in -1", "300 in 17532"])
        try state.write { file, transaction in
            for _ in 0..<2 { try file.forgetKey(2, &transaction) }
        }
        #expect(try state.keys() == ["1 in 0", "300 in 17532"])
    }

    @Test("a key that nobody noted so is damage, and no trap")
    func damagedKeys() throws {
        for (key, value) in [([1], words(1)), (words(1), []), (words(1), words(1 << 32))] {
            let state = try StateOfTest()
            try state.put(value, for: key, in: "keys")
            #expect(throws: ProjectionFailure.self) { try state.keys() }
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

    fileprivate func book() throws -> RuleBook { try read { file, reader in try file.ruleBook(reader) } }

    fileprivate func keys() throws -> [String] {
        try read { file, reader in try file.keys(reader) }.map { "\($0.key) in \($0.partition)" }
    }
}
