import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("PartitionShelf")
struct PartitionShelfTests {
    @Test("a new shelf is empty, and what is not there is not leased")
    func empty() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder)
        #expect(throws: NotThere.self) { _ = try shelf.existing(january(1)) }
        #expect(shelf.all.isEmpty)
        #expect(shelf.count == 0 && shelf.openCount == 0)
        #expect(try folder.names().isEmpty)
    }

    @Test("a partition is made when it is asked for, under its name")
    func makes() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder)
        let lease = try shelf.lease(making: january(23))
        #expect(lease.partition.id == january(23))
        #expect(lease.partition.environment.path.hasSuffix("/1970-01-23.mdb"))
        #expect(try folder.names() == ["1970-01-23.mdb"])
        #expect(shelf.all == [january(23)])
        #expect(shelf.contains(january(23)) && !shelf.contains(january(24)))
        #expect(try lease.partition.totals() == nil)
    }

    @Test("what a shelf made, the next one finds, and what it wrote")
    func reopens() throws {
        let folder = try TemporaryFolder()
        for day in [3, 1, 2] {
            let shelf = try PartitionShelf(days: folder)
            try shelf.lease(making: january(day)).partition.fold(Position(UInt64(day)), record: "day \(day)")
        }
        let shelf = try PartitionShelf(days: folder)
        #expect(shelf.all == [january(1), january(2), january(3)])
        #expect(shelf.openCount == 0)
        for day in 1...3 {
            let lease = try shelf.existing(january(day))
            #expect(try lease.partition.rows(of: lease.partition.trail) == ["\(day): day \(day)"])
        }
    }

    @Test("files that are no partitions of this length are left alone")
    func strangers() throws {
        let folder = try TemporaryFolder()
        for name in ["state.mdb", "1970-01-01T05.mdb", "1970-01-02.txt", "1970-13-01.mdb", ".mdb", "1970-01-03.mdb.old"] {
            #expect(FileManager.default.createFile(atPath: folder.file(name), contents: nil))
        }
        #expect(try PartitionShelf(days: folder).all.isEmpty)
    }

    @Test("a folder that is not there is a failure that names it")
    func noFolder() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("nowhere")
        let failure = #expect(throws: LedgerFailure.self) {
            try PartitionShelf(folder: path, length: .day, indexes: [], openMax: 1, options: .init())
        }
        #expect("\(try #require(failure))".hasPrefix("\(path): cannot be read"))
    }

    @Test("one that is damaged is a failure, and does not stand in the way of the others")
    func damagedFile() throws {
        let folder = try TemporaryFolder()
        try Data(repeating: 0x5A, count: 8192).write(to: URL(filePath: folder.file("1970-01-01.mdb")))
        let shelf = try PartitionShelf(days: folder, openMax: 1)
        #expect(throws: LedgerFailure.self) { _ = try shelf.lease(january(1)) }
        #expect(throws: LedgerFailure.self) { _ = try shelf.lease(january(1)) }
        try shelf.lease(making: january(2)).partition.fold(.first, record: "sound")
        #expect(shelf.openCount == 1)
    }
}

@Suite("Leases of a shelf")
struct LeaseTests {
    @Test("no more are open than the bound, and the one used longest ago is closed")
    func bound() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 2)
        for day in 1...5 {
            _ = try shelf.lease(making: january(day))
            #expect(shelf.openCount <= 2)
        }
        #expect(shelf.count == 5 && shelf.openCount == 2)
        // 4 is used again, so that it is 5 that has to go for 1.
        for day in [4, 1] { _ = try shelf.lease(january(day)) }
        #expect(try Self.isOpen(folder, 4) && Self.isOpen(folder, 1))
        #expect(try !Self.isOpen(folder, 5))
    }

    @Test("a partition that is held stays open, whatever the bound says")
    func heldStaysOpen() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 1)
        let held = try shelf.lease(making: january(1))
        let identity = ObjectIdentifier(held.partition)
        for day in 2...4 { _ = try shelf.lease(making: january(day)) }
        let again = try shelf.existing(january(1))
        #expect(ObjectIdentifier(again.partition) == identity)
        #expect(shelf.openCount == 1)
    }

    @Test("when more are held at once than the bound, the rest are closed as soon as they are given back")
    func shrinks() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 2)
        try Self.holding(shelf, 1...5) { #expect(shelf.openCount == 5) }
        #expect(shelf.openCount == 2)
        for day in 1...5 { _ = try shelf.lease(january(day)) }
        #expect(shelf.openCount == 2)
    }

    @Test("a file that was closed can be opened by others, one that is held cannot")
    func closedIsClosed() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 1)
        let held = try shelf.lease(making: january(1))
        #expect(try Self.isOpen(folder, 1))
        _ = try shelf.lease(making: january(2))
        #expect(try !Self.isOpen(folder, 2))
        _ = consume held
        _ = try shelf.lease(january(2))
        #expect(try !Self.isOpen(folder, 1))
    }

    @Test("of those that were written to only the last two stay open; those that were read stay")
    func writtenAreClosed() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 10)
        for day in 1...4 { _ = try shelf.lease(making: january(day)) }
        #expect(shelf.openCount == 4)
        for day in [3, 1, 3, 2] { _ = try shelf.write(to: january(day)) { _, _ in } }
        #expect(try !Self.isOpen(folder, 1))
        for day in 2...4 { #expect(try Self.isOpen(folder, day)) }
        // Opened again to be read, it is like any other.
        _ = try shelf.lease(january(1))
        for day in 1...4 { #expect(try Self.isOpen(folder, day)) }
    }

    @Test("one that was written to and is held is closed when it is given back, and not before")
    func writtenAndHeld() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 10)
        let held = try shelf.lease(making: january(1))
        for day in 1...3 { _ = try shelf.write(to: january(day), making: true) { _, _ in } }
        #expect(try Self.isOpen(folder, 1))
        _ = consume held
        #expect(try !Self.isOpen(folder, 1))
        #expect(shelf.openCount == 2)
    }

    @Test("whoever is lent all that are open gets no others, and they may be closed behind it")
    func allOpen() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 2)
        for day in 1...3 { _ = try shelf.lease(making: january(day)) }
        var seen: [PartitionID] = []
        shelf.withAllOpen { seen = $0.map(\.id).sorted() }
        #expect(seen == [january(2), january(3)])
        // 2 was used longest ago, since looking is no use.
        _ = try shelf.lease(january(1))
        #expect(try !Self.isOpen(folder, 2))
    }

    /// Holds a partition for each day while `body` runs.
    private static func holding(_ shelf: PartitionShelf, _ days: ClosedRange<Int>, _ body: () -> Void) throws {
        let held = try shelf.lease(making: january(days.lowerBound))
        #expect(held.partition.id == january(days.lowerBound))
        if days.count == 1 { body() } else { try holding(shelf, days.lowerBound + 1...days.upperBound, body) }
    }

    /// Whether this process has the file open: LMDB's wrapper refuses to open it twice.
    private static func isOpen(_ folder: TemporaryFolder, _ day: Int) throws -> Bool {
        let path = "\(folder.path)/\(PartitionLength.day.name(of: january(day))).mdb"
        do {
            _ = try Environment(opening: path, tables: ["trail"], options: .init(.write, mapBytes: 64 << 20))
            return false
        } catch {
            guard error.kind == .alreadyOpen else { throw error }
            return true
        }
    }
}
