package import Events
import Journal
import Ledger
import Projections
import Synchronization
import Vault

/// The house: an archive of messages in a data folder, readable from any thread, written through its one `Appender`.
///
/// Calls block; none waits for the appender. What a client was answered, every later question sees.
package final class Archive: Sendable {
    let core: Core
    let foldThread: FoldThread
    /// Purges, compaction, and the clock.
    package let upkeep: Upkeep
    /// What the last stop had left over.
    package let leftover: Leftover

    private let memoryKeeper: MemoryKeeper
    /// What the journal has done in the background; nil where nothing is.
    let errands: Errands?

    private init(core: Core, foldThread: FoldThread, upkeep: Upkeep, errands: Errands?, leftover: Leftover) {
        self.upkeep = upkeep
        self.errands = errands
        memoryKeeper = MemoryKeeper(core)
        self.core = core
        self.foldThread = foldThread
        self.leftover = leftover
    }

    /// What was found in the journal at the start: after a clean stop, nothing.
    package struct Leftover: Hashable, Sendable {
        /// Events that were durable and not folded yet.
        package var events: Int
        /// Where a record was cut off that was never answered, and is dropped; worth a line in the log.
        package var tornAt: String?
        /// Keys that receipts say are destroyed, and that were in the keyring all the same: a copy from before was put back. They are
        /// destroyed again; worth a line in the log.
        package var destroyedAgain = 0
    }

    /// Opens the archive in a data folder, and makes one if there is none.
    ///
    /// Whatever is journaled and not folded (after a crash, everything since the last fold) is in the tail when this
    /// returns, and is folded in the background.
    package static func open(
        _ options: ArchiveOptions, clock: @escaping @Sendable () -> Instant
    ) throws(ArchiveFailure) -> (archive: Archive, appender: Appender) {
        if let complaint = options.complaint { throw .folder(path: options.path, reason: complaint) }
        let folder = try DataFolder(opening: options)
        let store = try Store(folder, options)
        var check = try StoreCheck(of: store)
        try check.run()
        let trouble = try store.completeTree()
        let progress = try store.progress()
        var journal: Journal
        let errands = options.threads == .own ? Errands(named: "journal") : nil
        var journalOptions = options.journal
        if let errands { journalOptions.background = .init(add: { errands.add($0) }, settle: { errands.settle() }) }
        do { journal = try Journal(opening: folder.journal, options: journalOptions) } catch { throw .journal(error) }
        let vault = try folder.openVault(options, mayBeNew: progress == .start && store.shelf.all.isEmpty)
        var recovery = try Recovery(store: store, progress: progress)
        try recovery.replay(&journal)
        try store.checkTombstones(against: recovery.rules)
        try recovery.buildFilters(around: clock(), options)
        var leftover = Leftover(
            events: recovery.tail.view().events, tornAt: journal.torn.map { "\($0.path), byte \($0.offset)" })
        let core = Core(
            folder: folder, store: store, vault: vault, notary: try Notary(folder.audit(options.audit), options.audit),
            tail: recovery.tail, rules: recovery.rules, options: options, clock: clock)
        core.unreadFilters.add(recovery.filters.unread.sorted().map { PartitionID($0) })
        if let trouble { core.giveUp(trouble) }
        leftover.destroyedAgain = try core.settleVault(unfolded: recovery.keys)
        try core.notary.settle()
        core.measureDisk()
        let foldThread = FoldThread(core)
        let appender = Appender(
            core: core, foldThread: foldThread, journal: journal, recovery: recovery, entropy: .ofTheKernel())
        try errands?.start()
        try foldThread.start()
        foldThread.notice(bytes: recovery.tail.bytes, isFirst: true)
        let upkeep = try Upkeep(core) { foldThread.flush($0) }
        try appender.settlePurges(now: clock())
        try core.settleRemoval()
        let archive = Archive(core: core, foldThread: foldThread, upkeep: upkeep, errands: errands, leftover: leftover)
        if options.threads == .own { try archive.memoryKeeper.start() }
        return (archive, appender)
    }

    /// Folds what is left and stops the fold. Call it once, after the last commit; afterwards nothing may be appended.
    package func close(_ appender: Appender) throws(ArchiveFailure) {
        precondition(!appender.isPending, "somebody would never be answered because the archive closes")
        upkeep.stop()
        foldThread.stop()
        memoryKeeper.stop()
        errands?.stop()
        if let trouble { throw trouble }
        // On a full disk, a stop without sums is as good as any.
        do { try Summing.runAtStop(core.store) } catch { upkeep.tell(.failed(error)) }
    }

    /// The newest durable position.
    package var end: Position { core.tail.end }

    /// Why nothing is appended any more, if so.
    package var trouble: ArchiveFailure? { core.trouble.withLock { $0 } }

    /// The archive's instance id and the log's public name.
    package var identity: (instance: String, origin: String) { (core.folder.identity.instance, core.folder.identity.origin) }

    /// Calls `listener` after each fold, on the fold's thread.
    package func onFold(_ listener: @escaping @Sendable () -> Void) { foldThread.onFold(listener) }

    /// Waits until all that is journaled now is in its partitions.
    package func flush() { foldThread.flush() }
}
