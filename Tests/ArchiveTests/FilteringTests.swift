import Events
import LMDB
import Ledger
import Projections
import TestSupport
import Testing

@testable import Archive

@Suite("Filters of partitions at rest")
struct FilteringTests {
    private static let day = Instant.millisecondsPerDay

    /// Thirty days of messages, folded.
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        scratch.lendAppender()
        scratch.send(
            (0..<30).map { number in
                Scratch.Post("m\(number)").with { $0.at = Scratch.start.advanced(byMilliseconds: -Int64(number) * Self.day) }
            })
        scratch.archive.flush()
        return scratch
    }

    private func filtered(_ scratch: Scratch) throws -> [Int32] {
        let store = scratch.archive.core.store
        return try store.state.environment.read { reader in
            try store.shelf.all.map(\.number).filter { try store.filters.filter(of: $0, reader) != nil }
        }
    }

    private func partitions(of id: String, in scratch: Scratch) throws -> [Int32] {
        var asked: [Int32] = []
        let store = scratch.archive.core.store
        try store.forEachPartition(of: store.fingerprints.of(MessageID(id), in: TenantID("acme"))) { partition in
            asked.append(partition.number)
            return true
        }
        return asked
    }

    @Test(
        "a partition gets its filter when nothing came into it for a round, and is then passed over by whoever looks for another's message")
    func passedOver() throws {
        let scratch = try scratch()
        scratch.archive.upkeep.tick()
        #expect(try filtered(scratch) == [])
        #expect(try partitions(of: "m29", in: scratch).count == 30)
        scratch.archive.upkeep.tick()
        let today = scratch.archive.core.store.partition(of: Scratch.start).number
        #expect(try filtered(scratch) == Array(today - 29..<today))
        // That of today, its own, and hardly another one: a filter of one id takes one stranger in some hundred thousand for it.
        #expect(try partitions(of: "m29", in: scratch) == [today, today - 29])
        for number in 0..<30 { #expect(try scratch.message("m\(number)")?.id == MessageID("m\(number)")) }
        #expect(try scratch.message("m30") == nil)
    }

    @Test("a message that comes into a partition with a filter is found at once, and after a restart, a crash and the next filter")
    func laterMessages() throws {
        let scratch = try scratch()
        for _ in 0..<2 { scratch.archive.upkeep.tick() }
        let before = try filtered(scratch)
        let late = Scratch.Post("late").with { $0.at = Scratch.start.advanced(byMilliseconds: -7 * Self.day) }
        scratch.send(late)
        #expect(try scratch.message("late") != nil)
        scratch.archive.flush()
        #expect(try filtered(scratch) == before.filter { $0 != scratch.archive.core.store.partition(of: late.at ?? Scratch.start).number })
        #expect(try scratch.message("late") != nil)
        try scratch.crash()
        scratch.lendAppender()
        #expect(try scratch.message("late") != nil)
        for _ in 0..<2 { scratch.archive.upkeep.tick() }
        #expect(try filtered(scratch) == before)
        #expect(try scratch.message("late") != nil)
        try scratch.reopen()
        #expect(try scratch.message("late") != nil)
    }

    @Test("a damaged index goes without filters: the archive opens, and other partitions get theirs")
    func damagedIndex() throws {
        let scratch = try scratch()
        let today = scratch.archive.core.store.partition(of: Scratch.start).number
        try scratch.close()
        for back in [0, 5] as [Int64] {
            let day = scratch.path + "/partitions/\(PartitionLength.day.name(of: PartitionID(today - Int32(back)))).mdb"
            try Environment(opening: day, tables: PartitionIndex.tableNames, options: .init(.write, mapBytes: 1 << 30)).spoilIDs()
        }
        try scratch.open()
        scratch.lendAppender()
        for _ in 0..<2 { scratch.archive.upkeep.tick() }
        #expect(try filtered(scratch) == Array(today - 29..<today).filter { $0 != today - 5 })
        #expect(try scratch.message("m7") != nil)
    }

    @Test("a digest is of one moment: not of a partition that the state has not heard of yet")
    func digestAhead() throws {
        let scratch = try scratch()
        let store = scratch.archive.core.store
        let id = store.partition(of: Scratch.start)
        let before = try #require(try store.digest())
        _ = try store.shelf.write(to: id) { partition, transaction in
            var totals = try #require(try partition.totals(transaction.reader))
            totals.last = Position(31)
            totals.events += 1
            try partition.write(totals, &transaction)
        }
        #expect(try store.digest() == nil)
        #expect(before.position == Position(30))
    }

    @Test("a filter is found damaged where it denies a message that is there; a rebuild does without it")
    func damaged() throws {
        let scratch = try scratch()
        for _ in 0..<2 { scratch.archive.upkeep.tick() }
        let partition = scratch.archive.core.store.partition(of: Scratch.start).number - 3
        try scratch.close()
        let options = AuditVerify.Options()
        #expect(try AuditVerify(of: scratch.path, options).run { _ in }.findings == [])
        try StateFile(opening: scratch.path + "/state.mdb", others: [PartitionFilters.tableName], options: .init(.write, mapBytes: 1 << 30))
            .environment.writeFilter(PartitionFilter(count: 1), of: partition)
        let report = try AuditVerify(of: scratch.path, options).run { _ in }
        #expect(report.verdict == .damaged)
        #expect(report.findings.first?.sentence.contains("filter") == true)
        try scratch.rebuild()
        #expect(try AuditVerify(of: scratch.path, options).run { _ in }.findings == [])
        try scratch.open()
        #expect(try scratch.message("m3") != nil)
    }
}

extension Environment {
    /// One bit of the first chunk.
    fileprivate func spoilIDs() throws {
        let ids = table(named: "ids")
        try write { transaction in
            let (key, value) = try transaction.reader.firstEntry(in: ids)
            var other = value
            other[9] ^= 1
            try transaction.put(other.span.bytes, for: key.span.bytes, in: ids)
        }
    }

    fileprivate func writeFilter(_ filter: PartitionFilter, of partition: Int32) throws {
        try write { transaction in try PartitionFilters(in: self).put(filter, of: partition, &transaction) }
    }
}

extension Reader {
    fileprivate func firstEntry(in table: Table) throws -> (key: [UInt8], value: [UInt8]) {
        var cursor = try cursor(in: table)
        _ = try cursor.first()
        return (cursor.key.copied, cursor.value.copied)
    }
}
