import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("Damaged partitions")
struct PartitionDamageTests {
    /// Three days, each with sums of its pages; a byte of the second is another one.
    private func made(_ folder: TemporaryFolder) throws {
        do {
            let shelf = try PartitionShelf(days: folder)
            for day in 1...3 {
                try shelf.lease(making: january(day)).partition.fold(Position(UInt64(day)), record: "day \(day)", body: "body \(day)")
                try shelf.sum(january(day))
            }
        }
        var bytes = try Data(contentsOf: URL(filePath: folder.file("1970-01-02.mdb")))
        let place = try #require(bytes.range(of: Data("day 2".utf8), options: .backwards)).lowerBound
        bytes[place + 4] = UInt8(ascii: "9")
        try bytes.write(to: URL(filePath: folder.file("1970-01-02.mdb")))
    }

    @Test("a partition whose pages are not what they were is refused, named with its page, and all others are leased")
    func refused() throws {
        let folder = try TemporaryFolder()
        try made(folder)
        let shelf = try PartitionShelf(days: folder)
        #expect(shelf.damaged.isEmpty)
        for day in [1, 3] { #expect(try shelf.existing(january(day)).partition.totals() != nil) }
        for _ in 0..<2 {
            do throws(LedgerFailure) {
                _ = try shelf.lease(january(2))
                Issue.record("it was leased")
            } catch {
                #expect("\(error)".contains("1970-01-02.mdb") && "\(error)".contains("page"))
            }
        }
        #expect(shelf.damaged.map(\.id) == [january(2)])
        #expect(throws: LedgerFailure.self) { _ = try shelf.write(to: january(2)) { _, _ in true } }
        #expect(throws: LedgerFailure.self) { _ = try shelf.lease(making: january(2)) }
    }

    @Test("whoever makes do with what can be read of it gets it")
    func asFarAsItGoes() throws {
        let folder = try TemporaryFolder()
        try made(folder)
        let shelf = try PartitionShelf(days: folder)
        guard let lease = try shelf.lease(january(2), asFarAsItGoes: true) else { throw NotThere() }
        #expect(lease.partition.id == january(2))
        #expect(shelf.damage(of: january(2)) != nil)
    }

    @Test("what changes while the shelf is there is found by looking again")
    func again() throws {
        let folder = try TemporaryFolder()
        try made(folder)
        let shelf = try PartitionShelf(days: folder)
        try shelf.compareAgain(january(1))
        #expect(shelf.damage(of: january(1)) == nil)
        let file = try FileHandle(forWritingTo: URL(filePath: folder.file("1970-01-01.mdb")))
        try file.seek(toOffset: 3 * 4096 + 100)
        try file.write(contentsOf: Data([0xA5, 0x5A]))
        try shelf.compareAgain(january(1))
        #expect(shelf.damage(of: january(1)) != nil)
    }

    @Test("a write takes the sums away, and a partition without sums is as good as ever")
    func written() throws {
        let folder = try TemporaryFolder()
        try made(folder)
        let shelf = try PartitionShelf(days: folder)
        try shelf.existing(january(1)).partition.fold(Position(7), record: "later")
        #expect(try !folder.names().contains("1970-01-01.mdb.sums"))
        #expect(try folder.names().contains("1970-01-03.mdb.sums"))
        #expect(try PartitionShelf(days: folder).foreignNames().isEmpty)
    }
}
