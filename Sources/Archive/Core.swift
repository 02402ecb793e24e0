import Events
import Ledger
import Projections
import Synchronization
import Vault

/// What the appender, the fold and the readers share. Everything in it is safe to use from any thread.
final class Core: Sendable {
    let folder: DataFolder
    let store: Store
    let tail: Tail
    let options: ArchiveOptions
    let clock: @Sendable () -> Instant
    let started: Instant

    let vault: Vault
    let notary: Notary

    /// The rules of everything durable: policies, holds, purges.
    let rules: Mutex<RuleBook>
    /// Set by the fold when the file system has less left than the reserve.
    let isDiskFull = Atomic(false)
    /// The partition that leaves the log at this moment: nothing comes into it.
    let removing = Mutex<PartitionID?>(nil)
    let unreadFilters = UnreadFilters()
    /// Why appends are refused for good, if they are.
    let trouble = Mutex<ArchiveFailure?>(nil)
    let batches = Atomic(0)
    /// What an operator said of the clocks, until upkeep has heard of it.
    let clockConfirmed = Mutex<ClockConfirmation?>(nil)
    let folds = Atomic(0)
    let journalBytes = Atomic(0)

    init(
        folder: DataFolder, store: Store, vault: Vault, notary: Notary, tail: Tail, rules: RuleBook, options: ArchiveOptions,
        clock: @escaping @Sendable () -> Instant
    ) {
        self.folder = folder
        self.store = store
        self.vault = vault
        self.notary = notary
        self.tail = tail
        self.rules = Mutex(rules)
        self.options = options
        self.clock = clock
        started = clock()
    }

    /// The server's time. The wall clock may have been set back; the log's time never is, and what the log says must count.
    var now: Instant { max(clock(), tail.view().recorded) }

    func measureDisk() {
        isDiskFull.store(store.freeDiskBytes() < options.diskReserveBytes, ordering: .relaxed)
    }

    func giveUp(_ failure: ArchiveFailure) {
        trouble.withLock { if $0 == nil { $0 = failure } }
    }
}
