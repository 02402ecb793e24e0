import Events
import LMDB

/// Gives the space that a partition does not use back to the system: copies the file without free pages beside itself, compares
/// the copy with it row by row, and lays it over the old file, while others read and write.
///
/// Writers are kept out for the swap alone. What they wrote meanwhile makes the copy stale, and it is made anew, a few times.
/// A copy that was stopped, by a crash or on request, stays, and the next compaction goes on with it if the partition is unchanged.
package struct Compaction {
    private let id: PartitionID
    private let shelf: PartitionShelf
    private let options: CompactionOptions
    private static let attemptsMax = 3
    /// Between the steps in which the old file's blocks are given back.
    private static let pauseMilliseconds = 1
    /// What is copied or compared before the pages of both files are let go of: nobody needs them again.
    private static let bytesRememberedMax = 32 << 20

    package init(of id: PartitionID, on shelf: PartitionShelf, options: CompactionOptions = CompactionOptions()) {
        self.id = id
        self.shelf = shelf
        self.options = options
    }

    /// Blocks until it is done. Throws `.folder` when the disk has no room for the copy, before anything is written, and
    /// `.damaged` when copy and partition differ.
    @available(*, noasync, message: "copies a file and waits for the disk: call it on a thread of your own")
    package func run(_ conductor: CompactionConductor) throws(LedgerFailure) -> CompactionReport {
        guard shelf.beginCompacting(id) else { return CompactionReport(.busy) }
        defer { shelf.endCompacting(id) }
        var bytes = 0
        for _ in 0..<Self.attemptsMax {
            var remains: FileRemains?
            let (outcome, before, after) = try attempt(conductor, &remains)
            bytes = before
            // Behind the attempt, which had the old file open.
            _ = remains?.giveBack { conductor.pause(Self.pauseMilliseconds) }
            if outcome != .busy { return CompactionReport(outcome, bytesBefore: before, bytesAfter: after) }
            try shelf.files(of: id).removeCopy()
        }
        return CompactionReport(.busy, bytesBefore: bytes, bytesAfter: bytes)
    }

    private typealias Attempt = (outcome: CompactionReport.Outcome, before: Int, after: Int)

    /// Busy if the partition changed meanwhile. `remains` are those of the old file, if it was replaced.
    private func attempt(_ conductor: CompactionConductor, _ remains: inout FileRemains?) throws(LedgerFailure) -> Attempt {
        let files = shelf.files(of: id)
        guard let lease = try shelf.lease(id) else {
            try files.removeCopy()  // Of a partition that was removed.
            return (.notWorth, 0, 0)
        }
        let source = lease.partition
        guard options.keepsWritersOut else { return try attempt(of: source, files, conductor, &remains) }
        let environment = source.environment
        let transaction: WriteTransaction
        do { transaction = try environment.beginWriting() } catch { throw .store(error) }
        let done = try attempt(of: source, files, conductor, &remains)
        _ = consume transaction
        return done
    }

    private func attempt(
        of source: Partition, _ files: PartitionFiles, _ conductor: CompactionConductor, _ remains: inout FileRemains?
    ) throws(LedgerFailure) -> Attempt {
        let outline = try PartitionOutline(of: source, boot: options.boot)
        guard outline.isWorth(options) else {
            try files.removeCopy()
            return (.notWorth, outline.allocatedBytes, outline.allocatedBytes)
        }
        let copied: Copied
        do { copied = try copy(source, outline, conductor) } catch {
            if error.spoilsCopy { try files.removeCopy() }
            throw error
        }
        guard case .finished(let after) = copied else {
            return (copied == .stale ? .busy : .cancelled, outline.allocatedBytes, outline.allocatedBytes)
        }
        let old = FileRemains(of: source.environment)
        let isSwapped = try swap(source, files, outline, conductor)
        if isSwapped { remains = old }
        return (isSwapped ? .compacted : .busy, outline.allocatedBytes, isSwapped ? after : outline.allocatedBytes)
    }

    private enum Copied: Equatable {
        case finished(allocatedBytes: Int)
        case stale
        case cancelled
    }

    /// Makes, or completes, the copy, compares it and closes it again.
    private func copy(
        _ source: Partition, _ outline: PartitionOutline, _ conductor: CompactionConductor
    ) throws(LedgerFailure) -> Copied {
        let copy = try PartitionCopy(of: source, outline, on: shelf, options)
        var pacer = CompactionPacer(options, conductor)
        var bytesRemembered = 0
        conductor.reached(.copyBegun)
        for phase in [CompactionProgress.Phase.copying, .comparing] {
            pacer.begin(phase, bytesDone: try phase == .copying ? copy.bytesBefore() : 0, bytesInAll: outline.liveBytes)
            var place = PartitionCopy.Place()
            while !copy.isAtEnd(place) {
                if conductor.isCancelled() { return .cancelled }
                let slice = try phase == .copying ? copy.copySlice(&place) : copy.compareSlice(&place)
                guard let bytes = slice else { return .stale }
                if phase == .copying { conductor.reached(.sliceCopied) }
                bytesRemembered += bytes
                if bytesRemembered >= Self.bytesRememberedMax {
                    copy.forgetPages()
                    bytesRemembered = 0
                }
                pacer.slice(bytes)
            }
            conductor.reached(phase == .copying ? .copied : .compared)
        }
        if conductor.isCancelled() { return .cancelled }
        return .finished(allocatedBytes: try copy.finish())
    }

    private func swap(
        _ source: Partition, _ files: PartitionFiles, _ outline: PartitionOutline, _ conductor: CompactionConductor
    ) throws(LedgerFailure) -> Bool {
        let isOfNow = { (transaction: Int) in transaction == outline.note.transaction }
        func change(_ files: PartitionFiles) throws(LedgerFailure) {
            try files.moveLockAside()
            conductor.reached(.lockMovedAside)
            try files.moveCopyOverData()
            conductor.reached(.renamed)
        }
        let isSwapped =
            try options.keepsWritersOut
            ? shelf.replaceAlone(source, when: isOfNow, by: change) : shelf.replace(source, when: isOfNow, by: change)
        guard isSwapped else { return false }
        conductor.reached(.swapped)
        try files.removeCopyLock()
        conductor.reached(.cleaned)
        return true
    }
}

extension LedgerFailure {
    /// Whether half a copy is of no use after it: it is wrong, or takes the last of the space that others need.
    fileprivate var spoilsCopy: Bool {
        switch self {
        case .damaged: true
        case .store(let error): error.kind == .noSpace
        case .folder, .full: false
        }
    }
}
