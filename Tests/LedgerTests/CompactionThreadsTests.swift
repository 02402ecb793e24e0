import Events
import Foundation
import LMDB
import Ledger
import Synchronization
import TestSupport
import Testing

@Suite("Compaction under those who read and write")
struct CompactionThreadsTests {
    private let shelf: PartitionShelf
    private let random: SeededRandom
    // Last, so that the files are closed before they are removed.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        shelf = try PartitionShelf(days: folder)
        var random = SeededRandom(for: "compaction among others")
        try HalfEmptied.make(on: shelf, &random)
        self.random = random
    }

    @Test("who holds a lease reads on in the old file, in a snapshot and in new ones; new leases are of the new file")
    func readers() throws {
        let rows = try shelf.everything()
        do {
            let old = try shelf.existing(january(1))
            try old.partition.environment.read { reader in
                let outcome = try Compaction(of: january(1), on: shelf).run(.hasty).outcome
                let count = try reader.count(of: old.partition.bodies)
                #expect(outcome == .compacted && count == HalfEmptied.events / 4)
            }
            #expect(old.partition.isReplaced)
            try shelf.appendNext()
            let new = try shelf.existing(january(1))
            #expect(new.partition !== old.partition && !new.partition.isReplaced)
            #expect(try old.partition.everything() == rows)
            #expect(try new.partition.rows(of: new.partition.trail).count == HalfEmptied.events + 1)
            let again = try old.partition.environment.read { reader in try reader.count(of: old.partition.trail) }
            #expect(again == HalfEmptied.events)
            #expect(shelf.openCount == 1)
            #expect(OldFiles.held(in: folder) > 0)
        }
        #expect(OldFiles.held(in: folder) == 0)
    }

    @Test("the old file's blocks are free as soon as its last reader lets go, and not before")
    func spaceComesBack() throws {
        #expect(OldFiles.held(in: folder) == 0)
        try holding {
            #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .compacted)
            try holding { #expect(shelf.openCount == 1) }
            #expect(OldFiles.held(in: folder) > 0)
        }
        #expect(OldFiles.held(in: folder) == 0)
        try HalfEmptied.makeEmptier(shelf)
        #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .compacted)
        #expect(OldFiles.held(in: folder) == 0, "nobody held it but the compaction")
    }

    @Test("what the system has free grows by what the report says, once the last reader has let go", .enabled(if: MemoryDisk.isThere))
    func freeSpace() throws {
        let disk = try MemoryDisk()
        let shelf = try PartitionShelf(
            folder: disk.path, length: .day, indexes: ["index"], openMax: 4, options: .init(.create, mapBytes: 256 << 20))
        _ = try shelf.write(to: january(1), making: true) { partition, transaction in
            for number in 1...64 {
                try partition.putBody(Position(UInt64(number)), [UInt8](repeating: 1, count: 1 << 20).span.bytes, &transaction)
            }
        }
        _ = try shelf.write(to: january(1)) { partition, transaction in try partition.clearBodies(&transaction) }
        let before = try disk.freeBytes()
        do {
            let held = try shelf.existing(january(1))
            #expect(try Compaction(of: january(1), on: shelf).run(.hasty).bytesReturned > 60 << 20)
            #expect(try disk.freeBytes() < before + (20 << 20) && held.partition.isReplaced)
        }
        // Others use that disk too, but hardly as much.
        #expect(try disk.freeBytes() > before + (40 << 20))
    }

    @Test("a writer with a lease of before the swap, who gets his turn after it, writes to the new file")
    func writerInTheDoor() throws {
        let (shelf, leased, done) = (shelf, DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let calls = Mutex<[Bool]>([])
        let conductor = CompactionConductor.at(.lockMovedAside) {
            Thread {
                // As `write` does, with a lease of its own that is certain to be of the old file.
                reporting {
                    let old = try shelf.existing(january(1))
                    leased.signal()
                    try old.partition.environment.write { _ in calls.withLock { $0.append(old.partition.isReplaced) } }
                    try shelf.appendNext()
                }
                done.signal()
            }.start()
            leased.wait()
        }
        #expect(try Compaction(of: january(1), on: shelf).run(conductor).outcome == .compacted)
        done.wait()
        #expect(calls.withLock { $0 } == [true])
        #expect(try shelf.existing(january(1)).partition.totals()?.events == UInt64(HalfEmptied.events + 1))
        #expect(OldFiles.held(in: folder) == 0)
    }

    @Test("a copy never shares a lock with an old file that is still read, though its name was left behind")
    func leftLock() throws {
        let aside = folder.file("lock")
        try holding {
            try FileManager.default.linkItem(atPath: shelf.path(of: january(1)) + "-lock", toPath: aside)
            let oldLock = try FileManager.default.attributesOfItem(atPath: aside)[.systemFileNumber] as? Int
            #expect(try Compaction(of: january(1), on: shelf).run(.hasty).outcome == .compacted)
            // As if it could not be removed.
            try FileManager.default.moveItem(atPath: aside, toPath: shelf.path(of: january(1)) + ".compact-lock")
            try HalfEmptied.makeEmptier(shelf)
            let rows = try shelf.everything()
            let conductor = CompactionConductor.at(.copied) { [folder] in
                reporting {
                    let links = try FileManager.default.attributesOfItem(atPath: folder.file("1970-01-01.mdb.compact-lock"))
                    #expect(OldFiles.held(in: folder) > 0 && links[.systemFileNumber] as? Int != oldLock)
                }
            }
            #expect(try Compaction(of: january(1), on: shelf).run(conductor).outcome == .compacted)
            #expect(try shelf.everything() == rows)
        }
        #expect(OldFiles.held(in: folder) == 0)
    }

    @Test("threads that append all the time during many compactions lose nothing")
    func writersAllTheTime() throws {
        let (shelf, seed, turns) = (shelf, random.seed, DispatchSemaphore(value: 0))
        let isOver = Atomic(false)
        let compacted = Atomic(0)
        let appended = Atomic(0)
        let failures = Threads.run(4) { thread in
            var random = SeededRandom(seed: seed &+ UInt64(thread))
            if thread == 0 {
                defer { isOver.store(true, ordering: .relaxed) }
                for _ in 0..<60 where try Self.compact(shelf, turns, &random) { compacted.add(1, ordering: .relaxed) }
            } else {
                while !isOver.load(ordering: .relaxed) {
                    // At some steps of a compaction, and after a while anyhow: at every step none would ever come to its end.
                    _ = turns.wait(timeout: .now() + .milliseconds(200))
                    usleep(.random(in: 0...1_000, using: &random))
                    try shelf.appendNext(body: random.bytes(.random(in: 1...3_000, using: &random)))
                    appended.add(1, ordering: .relaxed)
                    try Self.readSomething(shelf, &random)
                }
            }
        }
        #expect(failures.isEmpty, "\(failures)")
        try checkEvents(HalfEmptied.events + appended.load(ordering: .relaxed))
        let rounds = compacted.load(ordering: .relaxed)
        print("compacted \(rounds) times among \(try shelf.existing(january(1)).partition.totals()?.events ?? 0) events")
        #expect(rounds > 0)
        #expect(OldFiles.held(in: folder) == 0)
    }

    /// Compacts, and lets a writer go at some of the steps: rarely while it copies, mostly at the swap.
    private static func compact(
        _ shelf: PartitionShelf, _ turns: DispatchSemaphore, _ random: inout SeededRandom
    ) throws -> Bool {
        var options = CompactionOptions()
        options.minGainBytes = .min
        options.sliceBytes = .random(in: 30_000...400_000, using: &random)
        options.keepsWritersOut = random.chance(of: 1, in: 3)
        var steps = random
        var conductor = CompactionConductor.hasty
        conductor.reached = { step in
            let isSwap = [.compared, .lockMovedAside, .renamed].contains(step)
            if steps.chance(of: isSwap ? 3 : 1, in: isSwap ? 5 : 12) { turns.signal() }
        }
        let report = try Compaction(of: january(1), on: shelf, options: options).run(conductor)
        _ = random.next()
        if options.keepsWritersOut { #expect(report.outcome == .compacted, "a writer made the copy stale that waited for it") }
        return report.outcome == .compacted
    }

    /// An event that was lost would give its position to the next one: so it is the number that tells.
    private func checkEvents(_ count: Int) throws {
        let lease = try shelf.existing(january(1))
        let totals = try #require(try lease.partition.totals())
        #expect(totals.last.rawValue == totals.events && totals.events == UInt64(count))
        #expect(try lease.partition.rows(of: lease.partition.trail).count == count)
    }

    private static func readSomething(_ shelf: PartitionShelf, _ random: inout SeededRandom) throws {
        let lease = try shelf.existing(january(1))
        try lease.partition.environment.read { reader in
            let totals = try lease.partition.totals(reader)
            let count = try reader.count(of: lease.partition.trail)
            guard let totals, totals.events == UInt64(count) else { throw NotThere() }
            usleep(.random(in: 0...2_000, using: &random))
        }
    }

    private func holding(_ body: () throws -> Void) throws {
        let held = try shelf.existing(january(1))
        #expect(held.partition.id == january(1))
        try body()
    }
}

extension HalfEmptied {
    /// Removes the bodies that were left.
    static func makeEmptier(_ shelf: PartitionShelf) throws {
        _ = try shelf.write(to: january(1)) { partition, transaction in try partition.clearBodies(&transaction) }
    }
}

/// Files that have no name any more and are still held by this process: their blocks are not free.
enum OldFiles {
    /// How many descriptors and maps there are of them, of those that lay in a folder.
    static func held(in folder: TemporaryFolder) -> Int {
        let path = URL(filePath: folder.path).resolvingSymlinksInPath().path
        do {
            let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n")
            let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            let descriptors = names.compactMap { name in readLink("/proc/self/fd/\(name)") }
            return (maps.map(String.init) + descriptors).count { $0.contains("\(path)/") && $0.hasSuffix("(deleted)") }
        } catch {
            Issue.record(error)
            return -1
        }
    }

    /// Nil for a descriptor that was closed since.
    private static func readLink(_ path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let length = readlink(path, &bytes, bytes.count)
        return length < 0 ? nil : String(decoding: bytes.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A folder on the disk in memory that Linux has: quieter than the one for temporary files, where compilers are at work.
private struct MemoryDisk: ~Copyable {
    let path: String

    private static let parent = "/dev/shm"
    static let isThere = access(parent, W_OK) == 0

    init() throws {
        path = "\(Self.parent)/annals-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    func freeBytes() throws -> Int {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { throw NotThere() }
        return Int(found.f_bavail) * Int(found.f_frsize)
    }
}
