import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

/// A partition whose bodies were written and then mostly destroyed: what a compaction is for.
enum HalfEmptied {
    static let events = 400
    static let bodyBytes = 2_000

    /// Makes it, with rows in all tables.
    static func make(_ id: PartitionID = january(1), on shelf: PartitionShelf, _ random: inout SeededRandom) throws {
        let bodies = (0..<events).map { _ in random.bytes(bodyBytes) }
        let indexed = (0..<events).map { _ in random.bytes(24) }
        _ = try shelf.write(to: id, making: true) { partition, transaction in
            var totals = PartitionTotals(first: .first)
            totals.last = Position(UInt64(events))
            totals.events = UInt64(events)
            try partition.write(totals, &transaction)
            let index = partition.environment.table(named: "index")
            for (number, body) in bodies.enumerated() {
                let record = Array("record \(number)".utf8)
                try partition.append(Position(UInt64(number + 1)), record: record.span.bytes, body: body.span.bytes, &transaction)
                let key = indexed[number]
                try transaction.put(record.span.bytes, for: key.span.bytes, in: index)
            }
        }
        _ = try shelf.write(to: id) { partition, transaction in
            for number in 1...events where number % 4 != 0 {
                guard try partition.deleteBody(Position(UInt64(number)), &transaction) else { throw NotThere() }
            }
        }
    }
}

extension Partition {
    /// Every row of every table, in words that can be compared.
    func everything() throws -> [String] {
        try environment.read { reader in
            var rows: [String] = []
            for name in ["trail", "bodies", "meta", "index"] {
                var cursor = try reader.cursor(in: environment.table(named: name))
                while try cursor.next() { rows.append("\(name) \(cursor.key.copied.hashed) \(cursor.value.copied.hashed)") }
            }
            return rows
        }
    }
}

extension [UInt8] {
    fileprivate var hashed: UInt64 {
        // FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
        reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension PartitionShelf {
    func everything(in id: PartitionID = january(1)) throws -> [String] {
        let lease = try existing(id)
        return try lease.partition.everything()
    }
}

extension CompactionConductor {
    /// One that is never to pause.
    static var hasty: CompactionConductor { CompactionConductor { _ in preconditionFailure("because no bound was set") } }

    /// One that calls `act` at a step.
    static func at(_ step: CompactionStep, _ act: @escaping () -> Void) -> CompactionConductor {
        var conductor = hasty
        conductor.reached = { if $0 == step { act() } }
        return conductor
    }
}

extension CompactionOptions {
    /// Slices small enough for a small partition to have many.
    static var smallSlices: CompactionOptions {
        var options = CompactionOptions()
        options.sliceBytes = 10_000
        options.boot = "first"
        return options
    }
}

/// For closures that may not throw.
func reporting(_ body: () throws -> Void) {
    do { try body() } catch { Issue.record(error) }
}

/// Bytes that a file takes on disk.
func allocatedBytes(_ path: String) throws -> Int {
    var found = stat()
    guard stat(path, &found) == 0 else { throw NotThere() }
    return Int(found.st_blocks) * 512
}
