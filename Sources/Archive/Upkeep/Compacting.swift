import Events
import Ledger

/// What came of a partition's compaction.
package struct PartitionCompaction: Hashable, Sendable {
    package var name: String
    /// `compacted`, `not-worth`, `busy` or `cancelled`.
    package var outcome: String
    package var bytesBefore: Int
    package var bytesAfter: Int
    package var seconds: Int
}

extension Upkeep {
    /// Compacts one partition by its name, or all of them.
    package func compact(_ name: String?, minGainPercent: Int) throws(ArchiveFailure) -> Result<[PartitionCompaction], Refusal> {
        let shelf = core.store.shelf
        var ids = shelf.all
        if let name {
            guard let id = shelf.length.partition(named: name), shelf.contains(id) else {
                return .failure(Refusal(.unknown, "there is no partition '\(name)'; PARTITIONS lists those that there are"))
            }
            ids = [id]
        }
        // What is destroyed and not deleted yet takes no part in the copy.
        let reclaim = Reclaim(core)
        let dead = try reclaim.toDo(flush: flushFold)
        var reports: [PartitionCompaction] = []
        var misfits: [(name: String, reason: String)] = []
        for id in ids {
            if isStopping { break }
            if name == nil, shelf.damage(of: id) != nil { continue }
            if let keys = dead[id] { try reclaim.run(id, keys) }
            let started = core.clock()
            let report: CompactionReport
            do { report = try compact(id, minGainPercent: minGainPercent) } catch {
                guard case .ledger(.full(_, let reason)) = error else { throw error }
                misfits.append((shelf.length.name(of: id), reason))
                continue
            }
            reports.append(
                PartitionCompaction(
                    name: shelf.length.name(of: id), outcome: report.outcome.word, bytesBefore: report.bytesBefore,
                    bytesAfter: report.bytesAfter, seconds: Int((core.clock().milliseconds - started.milliseconds) / 1000)))
        }
        begin(.idle)
        // What fitted is done, and has made room.
        if let first = misfits.first {
            let who = misfits.count == 1 ? "\(first.name) was" : "\(first.name) and \(misfits.count - 1) others were"
            return .failure(Refusal(.full, "\(who) not compacted: \(first.reason); make room on the disk, or purge, and compact again"))
        }
        return .success(reports)
    }

    /// - Parameter keepsWritersOut: whether the fold waits for it, so that it comes to an end also where events come all the time.
    func compact(_ id: PartitionID, minGainPercent: Int, keepsWritersOut: Bool = false) throws(ArchiveFailure) -> CompactionReport {
        var options = CompactionOptions()
        options.keepsWritersOut = keepsWritersOut
        options.bytesPerSecond = keepsWritersOut ? 0 : core.options.purge.compactionBytesPerSecond
        options.minGainPercent = minGainPercent
        let boot = core.readClocks().boot
        if boot != ClockReading.unknownBoot { options.boot = boot }
        options.sliceBytes = core.options.purge.compactionSliceBytes
        // Less than appends leave alone: where the disk is nearly full, this is what makes room.
        options.diskReserveBytes = core.options.diskReserveBytes / 4
        let name = core.store.shelf.length.name(of: id)
        var conductor = CompactionConductor { [self] milliseconds in pause(milliseconds: milliseconds) }
        // What was cancelled goes on from where it was. A hanging reader's file grows meanwhile, so that does not give way.
        conductor.isCancelled = { [self] in isStopping || !keepsWritersOut && isPurgeLate }
        conductor.progress = { [self] progress in
            // Copied and compared: half of the way each.
            let done = progress.phase == .copying ? progress.bytesDone : progress.bytesInAll + progress.bytesDone
            begin(.compacting, name, done: done, total: 2 * progress.bytesInAll)
        }
        conductor.reached = { [core] step in core.options.reached(FailPoint("compact-\(step)")) }
        begin(.compacting, name)
        do {
            let report = try Compaction(of: id, on: core.store.shelf, options: options).run(conductor)
            if report.outcome == .compacted { tell(.compacted(name, before: report.bytesBefore, after: report.bytesAfter)) }
            return report
        } catch { throw .ledger(error) }
    }
}

extension CompactionReport.Outcome {
    var word: String {
        switch self {
        case .compacted: "compacted"
        case .notWorth: "not-worth"
        case .busy: "busy"
        case .cancelled: "cancelled"
        }
    }
}
