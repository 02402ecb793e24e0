import Events
import LMDB
import Ledger
import Projections
import Synchronization
import TestSupport
import Testing
import Vault

@testable import Archive

@Suite("An index that counts too few")
struct HoldingsDamageTests {
    /// An expired day of two conversations under one key; one of them is held.
    private func scratch() throws -> Scratch {
        let scratch = try Scratch { $0.purge.isAutomatic = false }
        scratch.send((0..<20).map { number in Scratch.Post("m\(number)").with { $0.conversation = "c\(number % 2)" } })
        scratch.clock.advance(days: 200)
        let held = Coverage(tenant: try TenantID("acme"), conversation: try ConversationID("c1"))
        scratch.rule(.place(HoldPlace(id: try HoldID("h"), coverage: held, matter: "7", reason: "court")))
        scratch.archive.flush()
        _ = try scratch.archive.checkpoint().get()
        return scratch
    }

    private enum Damage: CaseIterable { case oneLess, renamed, otherKey, otherTimes, none }

    /// Writes the rows anew as somebody who knows the format would.
    private func change(_ scratch: Scratch, _ damage: Damage) throws {
        let tables = ["trail", "bodies", "meta"] + PartitionIndex.tableNames
        let file = try #require(AuditCopies.partitions(of: scratch.path).first)
        let environment = try Environment(opening: file, tables: tables, options: .init(.write, mapBytes: 1 << 30))
        let index = PartitionIndex(in: environment)
        try environment.write { transaction in
            var rows: [PartitionIndex.Holding] = []
            try index.holdings(transaction.reader) { rows.append($0) }
            #expect(rows.map(\.messages) == [10, 10])
            for key in try index.holdingKeys(transaction.reader) { try index.removeHoldings(of: key, &transaction) }
            switch damage {
            case .oneLess: rows[1].messages -= 1
            case .renamed: rows[1].conversation = try ConversationID("c2")
            case .otherKey: rows[1].key = 9
            case .otherTimes:
                (rows[1].first, rows[1].last) = (rows[1].first.advanced(byMilliseconds: 1), rows[1].last.advanced(byMilliseconds: 1))
            case .none: rows.removeLast()
            }
            try index.addHoldings(rows.map(\.gain), &transaction)
        }
    }

    @Test("a verification finds it without any key, and a rebuild mends it", arguments: Damage.allCases)
    private func found(damage: Damage) throws {
        let scratch = try scratch()
        try scratch.close()
        #expect(try AuditCopies.verify(scratch.path).findings.map(\.sentence) == [])
        try change(scratch, damage)
        let report = try AuditCopies.verify(scratch.path)
        #expect(report.findings.first?.sentence.contains("index holdings is not that of its bodies") == true)
        try scratch.rebuild()
        #expect(try AuditCopies.verify(scratch.path).findings == [])
        try scratch.open()
    }

    @Test("nothing is planned by it: what it does not know of would be destroyed, though it is held", arguments: [Damage.oneLess, .none])
    private func refused(damage: Damage) throws {
        let scratch = try scratch()
        try scratch.close()
        try change(scratch, damage)
        try scratch.open()
        let failure = #expect(throws: ArchiveFailure.self) {
            try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        }
        #expect("\(try #require(failure))".contains("table holdings, which counts"))
        #expect(try scratch.message("m1")?.isHeld == true)
    }

    @Test("nothing is destroyed by it, if it came to be so between plan and purge")
    func destroysNothing() throws {
        let scratch = try scratch()
        scratch.lendAppender()
        let plan = try scratch.archive.upkeep.plan(coverage: .everything, basis: .expired)
        #expect((plan.messages, plan.held) == (10, 10))
        let shelf = scratch.archive.core.store.shelf
        var keys: Set<KeyID> = []
        _ = try shelf.write(to: try #require(shelf.all.first)) { partition, transaction in
            let index = PartitionIndex(in: partition.environment)
            var rows: [PartitionIndex.Holding] = []
            try index.holdings(transaction.reader) { rows.append($0) }
            keys = Set(rows.map { KeyID($0.key) })
            for key in try index.holdingKeys(transaction.reader) { try index.removeHoldings(of: key, &transaction) }
            try index.addHoldings(rows.dropLast().map(\.gain), &transaction)
        }
        #expect(throws: ArchiveFailure.self) { try scratch.archive.upkeep.run(plan.id, count: plan.messages, by: .user(0)) }
        #expect(!keys.isEmpty && keys.allSatisfy { scratch.archive.core.vault.contains($0) })
        // Nor does it stand in the way of the next purge.
        #expect(scratch.archive.core.rules.withLock { $0.purges.open.isEmpty })
    }
}
