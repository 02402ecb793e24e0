import Events
import Foundation
import LMDB
import Ledger
import TestSupport
import Testing

@Suite("PartitionShelf: writing and removing")
struct ShelfWritingTests {
    private let shelf: PartitionShelf
    // Last, so that the files are closed before they are removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        shelf = try PartitionShelf(days: folder)
    }

    @Test("a partition that is not there is written only if it may be made")
    func making() throws {
        #expect(try shelf.write(to: january(1)) { _, _ in 1 } == nil)
        #expect(shelf.all.isEmpty)
        #expect(try shelf.write(to: january(1), making: true) { _, _ in 2 } == 2)
        #expect(shelf.all == [january(1)])
        let optional: Int?? = try shelf.write(to: january(1)) { _, _ in Int?.none }
        #expect(optional == .some(.none))
    }

    @Test("a partition's number is another behind each write and removal, and the same behind what only reads")
    func numbers() throws {
        var numbers = [shelf.lastChange(of: january(1))]
        for _ in 0..<3 {
            _ = try shelf.write(to: january(1), making: true) { _, _ in }
            numbers.append(shelf.lastChange(of: january(1)))
        }
        #expect(try shelf.existing(january(1)).partition.rows(of: shelf.existing(january(1)).partition.bodies) == [])
        #expect(shelf.lastChange(of: january(1)) == numbers.last)
        #expect(shelf.lastChange(of: january(2)) == numbers.first)
        #expect(try shelf.remove(january(1)))
        numbers.append(shelf.lastChange(of: january(1)))
        #expect(Set(numbers).count == 5)
    }

    @Test("what throws half-way never was")
    func givenUp() throws {
        #expect(throws: NotThere.self) {
            try shelf.write(to: january(1), making: true) { partition, transaction in
                try partition.putBody(.first, [1].span.bytes, &transaction)
                throw NotThere()
            }
        }
        let lease = try shelf.existing(january(1))
        #expect(try lease.partition.rows(of: lease.partition.bodies) == [])
    }

    @Test("a removed partition has no files, and its readers read on; a new one can be made in its place")
    func removes() throws {
        #expect(try !shelf.remove(january(1)))
        var random = SeededRandom(for: "remove")
        try HalfEmptied.make(on: shelf, &random)
        let rows = try shelf.everything()
        do {
            let held = try shelf.existing(january(1))
            #expect(try shelf.remove(january(1)))
            #expect(shelf.all.isEmpty && shelf.openCount == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            #expect(throws: NotThere.self) { _ = try shelf.existing(january(1)) }
            #expect(try shelf.write(to: january(1)) { _, _ in 1 } == nil)
            #expect(try held.partition.everything() == rows)
            try shelf.lease(making: january(1)).partition.fold(.first, record: "anew")
            #expect(try held.partition.everything() == rows)
        }
        #expect(OldFiles.held(in: folder) == 0)
        #expect(try PartitionLines.trail(shelf) == ["1: anew"])
        #expect(try PartitionShelf(days: TemporaryFolder()).all.isEmpty)
    }

    @Test("a partition that is removed while it is compacted stays removed")
    func removedMeanwhile() throws {
        var random = SeededRandom(for: "remove meanwhile")
        try HalfEmptied.make(on: shelf, &random)
        let conductor = CompactionConductor.at(.copied) { [shelf] in
            reporting {
                let isRemoved = try shelf.remove(january(1))
                #expect(isRemoved)
            }
        }
        #expect(try Compaction(of: january(1), on: shelf).run(conductor).outcome == .notWorth)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(shelf.all.isEmpty && OldFiles.held(in: folder) == 0)
    }

    @Test("a body is put in the place of another, or deleted, and the event stays")
    func bodies() throws {
        try shelf.lease(making: january(1)).partition.fold(.first, record: "one", body: "body")
        let deleted = try shelf.write(to: january(1)) { partition, transaction in
            try partition.putBody(.first, Array("sealed anew".utf8).span.bytes, &transaction)
            try partition.putBody(Position(2), [0x62].span.bytes, &transaction)
            return (try partition.deleteBody(Position(2), &transaction), try partition.deleteBody(Position(2), &transaction))
        }
        #expect(deleted?.0 == true && deleted?.1 == false)
        let lease = try shelf.existing(january(1))
        #expect(try lease.partition.rows(of: lease.partition.bodies) == ["1: sealed anew"])
        #expect(try lease.partition.rows(of: lease.partition.trail) == ["1: one"])
    }
}

private enum PartitionLines {
    static func trail(_ shelf: PartitionShelf) throws -> [String] {
        let lease = try shelf.existing(january(1))
        return try lease.partition.rows(of: lease.partition.trail)
    }
}
