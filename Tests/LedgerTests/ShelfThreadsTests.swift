import Events
import Foundation
import LMDB
import Ledger
import Synchronization
import TestSupport
import Testing

@Suite("PartitionShelf on many threads")
struct ShelfThreadsTests {
    @Test("threads that lease partitions at random never open one twice, and lose nothing that they write")
    func manyThreads() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 2)
        let last = Atomic<UInt64>(0)
        var seeds = SeededRandom(for: "threads on a shelf")
        let seed = seeds.next()
        let failures = Threads.run(8) { thread in
            var random = SeededRandom(seed: seed &+ UInt64(thread))
            for _ in 0..<400 {
                let lease = try shelf.lease(making: january(.random(in: 1...12, using: &random)))
                if .random(using: &random) {
                    try lease.partition.count(last)
                } else {
                    _ = try lease.partition.totals()
                }
            }
        }
        #expect(failures.isEmpty, "\(failures)")
        let counted = try shelf.all.map { id in try shelf.lease(id)?.partition.totals()?.events ?? 0 }
        #expect(counted.reduce(0, +) == last.load(ordering: .relaxed))
        #expect(shelf.openCount <= 2)
    }

    @Test("threads that all want the same new partition share it")
    func sameNewPartition() throws {
        let folder = try TemporaryFolder()
        let shelf = try PartitionShelf(days: folder, openMax: 1)
        let seen = Mutex<[ObjectIdentifier]>([])
        let failures = Threads.run(8) { _ in
            let lease = try shelf.lease(making: january(1))
            let identity = ObjectIdentifier(lease.partition)
            seen.withLock { $0.append(identity) }
        }
        #expect(failures.isEmpty, "\(failures)")
        #expect(Set(seen.withLock { $0 }).count == 1)
        #expect(shelf.count == 1)
    }
}

extension Partition {
    /// Adds one event at the next position, which is taken under the write transaction: so that each partition's ascend.
    fileprivate func count(_ last: borrowing Atomic<UInt64>) throws {
        try environment.write { transaction in
            let position = Position(last.add(1, ordering: .relaxed).newValue)
            var totals = try totals(transaction.reader) ?? PartitionTotals(first: position)
            totals.last = position
            totals.events += 1
            try append(position, record: [1].span.bytes, body: RawSpan(), &transaction)
            try write(totals, &transaction)
        }
    }
}

/// Real threads, more than there are processors: Swift's shared pool would run as few as those at once.
enum Threads {
    /// Runs `body` on each and waits for all of them; what they threw, in words.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [String] {
        let failures = Failures()
        let group = DispatchGroup()
        for number in 0..<count {
            group.enter()
            Thread {
                do { try body(number) } catch { failures.add(error) }
                group.leave()
            }.start()
        }
        group.wait()
        return failures.all
    }
}

/// What went wrong on several threads.
private final class Failures: Sendable {
    private let found = Mutex<[String]>([])

    func add(_ error: any Error) { found.withLock { $0.append("\(error)") } }

    var all: [String] { found.withLock { $0 } }
}
