import Events
import Foundation
import Journal
import Ledger
import SimulatedDisk
import TestSupport

@testable import Archive
@testable import ArchiveTests

/// An archive on a simulated disk, beside the model of what it promises; one thread, one seed, a clock that is set.
///
/// Each turn has randomness of its own, so that a history from which some turns are left out does the same in the others.
final class Simulation {
    /// What was done so far.
    struct Tally {
        var counts: [String: Int] = [:]

        mutating func note(_ name: String, _ count: Int = 1) { if count > 0 { counts[name, default: 0] += count } }
    }

    let seed: UInt64
    let world: PurgeWorld
    let disk: Disk
    let path: String
    var tally = Tally()
    /// The whole log as it was read the last time.
    var log: [Event] = []
    /// The bytes of root keys under which something was destroyed.
    var deadRoots: Set<[UInt8]> = []
    /// Whether a call has failed since the last start.
    var hasFailed = false
    /// What was wrong, if anything.
    var wrong: String?
    var random: SeededRandom
    /// Whether all that is projected is made anew now and then.
    var rebuilds = true

    init(seed: UInt64, lying part: String? = nil) throws {
        self.seed = seed
        var random = SeededRandom(seed: seed &* 31)
        var made: (disk: Disk, path: String)?
        let histories = [1, 1, 2, 4].randomElement(using: &random) ?? 1
        let segment = [96 << 10, 128 << 10, 512 << 10].randomElement(using: &random) ?? 96 << 10
        let step = [1, 8 << 10, 32 << 20].randomElement(using: &random) ?? 1
        world = try PurgeWorld(seed: seed, histories: histories) { options in
            options.threads = .none
            options.journal = JournalOptions(segmentBytes: segment, segments: 2, salt: seed)
            options.bodyBytesMax = 1 << 10
            options.batchBytesMax = 16 << 10
            options.foldBytes = step
            options.mapBytes = 64 << 20
            options.audit.outsideFile = options.path + "-kept"
            options.audit.checkpointMilliseconds = 60_000
            made = (try Self.makeDisk(options, seed: seed, lying: part), options.path)
        }
        guard let made else { throw PurgeWorld.Wrong() }
        (disk, path) = made
        self.random = random
        world.report = { [unowned self] in wrong = $0 }
        // A daemon has signed what it was at the first after some minutes; a verification misses that in a log of days.
        while world.end == 0 { try world.round() }
        try world.tick()
    }

    // Before the world goes, and with it the folder.
    deinit {
        do { if world.scratch.isOpen { try world.scratch.close() } } catch { note("closed in trouble: \(error)") }
        disk.end()
    }

    /// With an identity that is always the same: the seed of the fingerprints is in it, and so the order of rows on pages.
    static func makeDisk(_ options: ArchiveOptions, seed: UInt64, lying part: String? = nil) throws -> Disk {
        let graveyard = options.path + "-graveyard"
        for folder in [options.path, graveyard] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        }
        let identity = DataFolder.Identity(
            format: DataFolder.Identity.formatKnown, instance: "00000000-0000-4000-8000-000000000000", origin: "annals/simulated",
            partition: options.partitionLength.rawValue, seed: String(seed, radix: 16))
        try JSONEncoder().encode(identity).write(to: URL(filePath: options.path + "/annals.json"))
        let disk = Disk(options.path, graveyard: graveyard)
        disk.lie(about: part)
        return disk
    }

    /// Takes the turns of these numbers. Returns the one in which something went wrong.
    func run(_ turns: some Sequence<Int>) -> Int? {
        for turn in turns {
            do {
                random = SeededRandom(seed: seed ^ UInt64(turn + 1) &* 0x9E37_79B9_7F4A_7C15)
                world.random = random
                tally.note("turns")
                try take()
            } catch {
                if wrong == nil { _ = world.fail("", "unexpected: \(error)") }
                return turn
            }
        }
        return nil
    }

    func pick<Element>(_ all: [Element]) -> Element { all[Int.random(in: all.indices, using: &random)] }

    func require(_ isRight: Bool, _ what: @autoclosure () -> String) throws { try world.require(isRight, "", what()) }

    func note(_ line: String) { world.note("", line) }
}
