import Events
import Foundation
import SimulatedDisk
import TestSupport

@testable import Archive
@testable import ArchiveTests

/// What happens in a turn: the world goes on, and the disk stops, fails, fills up, or does nothing of it.
extension Simulation {
    func take() throws {
        do { try takeOne() } catch let error where hasFailed && "\(error)".contains("MDB_PANIC") {
            // LMDB lets nobody read a file any more of which the last page of a commit could not be written.
            tally.note("files unreadable after a failure")
            note("unreadable until the next start: \(error)")
            world.wasExcused = true
            if random.chance(of: 1, in: 2) { try restart() } else { try crash() }
        }
    }

    private func takeOne() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<60: try stopWithin()
        case ..<72: try failWithin()
        case ..<76: try fillUp()
        case ..<82: try restart()
        default: try work()
        }
    }

    /// What clients and upkeep do.
    private func work() throws {
        try world.passTime()
        try world.round()
        if random.chance(of: 1, in: 3) { world.scratch.archive.flush() }
        let roots = rootKeys()
        let receipts = world.model.destroyed.count
        defer { if world.model.destroyed.count > receipts { deadRoots.formUnion(roots) } }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try world.jump()
        case 1: _ = try world.scratch.archive.upkeep.compact(nil, minGainPercent: 0).get()
        case 2..<8: try world.purge()
        case 8..<14: try world.tick()
        case 14: try world.preview()
        default: break
        }
    }

    /// Whatever goes wrong from the moment on in which the disk does is not the archive's fault; what it says of the log then must be true
    /// all the same.
    private func excusing(_ isExcused: @escaping () -> Bool, _ body: () throws -> Void) throws {
        world.isExcused = { [world] in
            if isExcused() { world.wasExcused = true }
            return world.wasExcused
        }
        defer { world.isExcused = { false } }
        do { try body() } catch let error {
            if error is PurgeWorld.Wrong || !world.isExcused() { throw error }
            note("given up: \(error)")
        }
    }

    /// The machine stops somewhere in it.
    private func stopWithin() throws {
        disk.die(after: Int.random(in: 0..<pick([4, 20, 60, 200]), using: &random))
        try excusing({ [disk] in disk.isDead }, work)
        if !disk.isDead, random.chance(of: 1, in: 3) { return disk.spare() }
        try crash()
    }

    private func failWithin() throws {
        let before = disk.failed
        let (kinds, errors): (Disk.Calls, [Int32]) = pick([
            (.all, [EIO]), (.write, [EIO, ENOSPC, EINTR]), (.sync, [EIO, ENOSPC, EINTR]), (.resize, [EIO, ENOSPC]),
            (.rename, [EIO, ENOSPC]), (.unlink, [EIO]), (.make, [EIO, ENOSPC]), (.open, [EMFILE, EIO]), (.read, [EIO, EINTR]),
            (.statvfs, [EIO]),
        ])
        let error = pick(errors)
        let isForever = error != EINTR && random.chance(of: 1, in: 3)
        disk.fail(kinds, after: Int.random(in: 0..<pick([3, 30]), using: &random), error: error, forever: isForever)
        try excusing({ [disk] in disk.failed > before }, work)
        disk.mend()
        guard disk.failed > before else { return }
        hasFailed = true
        tally.note("failures of calls")
        note("calls failed with \(String(cString: strerror(error)))")
        try goOn()
    }

    /// After a failure everything can be read; and written, or the archive says that it cannot.
    private func goOn() throws {
        try world.absorb()
        // Once its keys are destroyed, a purge that could not go on is ended by the next start.
        if world.intents.isEmpty { try world.judge(moments: 1, ids: [world.pick(PurgeWorld.names.ids)]) }
        let isWritable = world.doubt == nil && world.scratch.archive.trouble == nil && world.scratch.appender.isWritable
        if isWritable { return world.wasExcused = false }
        if random.chance(of: 1, in: 2) { try restart() } else { try crash() }
    }

    /// Appends are refused for a while, and go on when there is room again.
    private func fillUp() throws {
        hasFailed = true
        tally.note("full disks")
        disk.space = Int64.random(in: 0..<pick([4_096, 65_536, 1_048_576]), using: &random)
        note("\(disk.space ?? 0) bytes are left on the disk")
        for _ in 0..<Int.random(in: 1..<4, using: &random) { try excusing({ true }, work) }
        disk.space = nil
        try goOn()
    }

    func restart() throws {
        tally.note("restarts")
        note("restart")
        close()
        try start()
    }

    private func close() {
        guard world.scratch.isOpen else { return }
        do { try world.scratch.close() } catch { note("closed in trouble: \(error)") }
    }

    /// The machine stops, or only the process does.
    func crash() throws {
        if !disk.isDead {
            disk.die(after: 0)
            note("stopped at rest")
        }
        close()
        loseWhatIsUnsynced()
        try look()
        try start()
    }

    private func loseWhatIsUnsynced() {
        tally.note("crashes")
        if world.doubt != nil { tally.note("crashes within a commit") }
        if random.chance(of: 1, in: 6) {
            tally.note("of them the process alone")
            note("killed at call \(disk.calls)")
            return disk.revive()
        }
        let survival = pick(Disk.Survival.allCases)
        let loss = disk.crash(survival, seed: random.next())
        tally.note("lost writes", Int(loss.lost_writes))
        tally.note("torn writes", Int(loss.torn_writes))
        tally.note("lost names", Int(loss.lost_names))
        note(
            "crashed at call \(disk.calls), \(survival) survives: \(loss.kept_writes) writes kept, \(loss.lost_writes) lost, "
                + "\(loss.torn_writes) torn; \(loss.kept_names) names kept, \(loss.lost_names) lost")
    }

    /// Opens again, and now and then stops in the middle of that, too.
    private func start() throws {
        while true {
            if random.chance(of: 1, in: 4) { disk.die(after: Int.random(in: 0..<40, using: &random)) }
            do {
                try world.scratch.open()
                if !disk.isDead { break }
            } catch { if !disk.isDead { throw error } }
            tally.note("crashes within a start")
            close()
            loseWhatIsUnsynced()
            try look()
        }
        disk.spare()
        world.scratch.lendAppender()
        world.wasExcused = false
        hasFailed = false
        try world.absorb(afterStart: true)
        try judge()
    }
}
