package import Events
import Journal
import Ledger
import Projections
import Synchronization
import Vault

/// The one writer of the log: decides what becomes of each draft, gathers the accepted ones in a batch, and makes the
/// batch durable with one write and one sync. Then, and only then, it says what became of them.
///
/// It belongs to one thread (the socket's event loop) and has no lock. Deciding is separate from writing: a draft's
/// ruling follows from what the log knew, the draft, the time and the random bytes, all of which are passed in.
package final class Appender {
    let core: Core
    private let foldThread: FoldThread
    private var journal: Journal
    private(set) var batch: OpenBatch
    private var outcomes: [(ticket: Ticket, verdict: Verdict)] = []
    private var spareOutcomes: [(ticket: Ticket, verdict: Verdict)] = []

    var recentIDs: RecentIDs
    var filters: IDFilters
    var recentDeletes: RecentDeletes
    var tips = ConversationTips()
    var rules: RuleBook
    private var hasNewRules = false
    /// Of the open batch.
    private var clockConfirmed: Position?
    var keys: KeyChoice
    /// The intent whose keys are being destroyed: until its receipt is in the log, no rule changes.
    var shredding: Position?
    var entropy: Entropy
    /// The server's time of the last event: no later event has an earlier one.
    private(set) var lastRecorded: Instant
    private var tailBytes: Int
    private var released: SequenceNumber?

    init(
        core: Core, foldThread: FoldThread, journal: consuming Journal, recovery: borrowing Recovery, entropy: Entropy
    ) {
        let view = core.tail.view()
        self.core = core
        self.foldThread = foldThread
        self.journal = journal
        recentIDs = recovery.recentIDs
        recentDeletes = recovery.recentDeletes
        filters = recovery.filters
        rules = recovery.rules
        keys = KeyChoice(core.vault)
        self.entropy = entropy
        batch = OpenBatch(first: view.end.next, payloadCapacity: 0, noncePrefix: self.entropy.noncePrefix())
        lastRecorded = view.recorded
        tailBytes = view.bytes
        core.journalBytes.store(self.journal.byteCount, ordering: .relaxed)
    }

    /// Whether another draft may be handed in.
    package enum Room: Sendable {
        case open
        /// Commit first.
        case batchFull
        /// The fold is behind: wait until it has folded something, or refuse.
        case tailFull
    }

    package var room: Room {
        if batch.bytes >= core.options.batchBytesMax || outcomes.count >= core.options.batchEventsMax { return .batchFull }
        if tailBytes + batch.bytes < core.options.tailBytesMax { return .open }
        tailBytes = core.tail.bytes
        if tailBytes + batch.bytes < core.options.tailBytesMax { return .open }
        // A fold that has given up makes no room; whoever asks is told so instead of waiting.
        return core.trouble.withLock { $0 == nil } ? .tailFull : .open
    }

    /// Whether somebody waits for a commit.
    package var isPending: Bool { !outcomes.isEmpty }

    /// Takes a message. What became of it is said by the commit.
    package func send(_ draft: SendDraft, by principal: Principal, ticket: Ticket, now: Instant) {
        let recorded = max(now, lastRecorded)
        let verdict: Verdict
        if let refusal = standingRefusal() ?? DraftCheck.fault(of: draft, bodyBytesMax: core.options.bodyBytesMax)
            ?? DraftCheck.fault(ofTime: draft.at, recorded: recorded) ?? refusal(ofTime: draft.at)
        {
            verdict = .refused(refusal)
        } else {
            verdict = rule { () throws(ArchiveFailure) in try ruling(on: draft, by: principal, recorded: recorded) }
        }
        conclude(ticket, verdict, recorded)
    }

    /// Takes a local delete. What became of it is said by the commit.
    package func localDelete(_ draft: LocalDeleteDraft, by principal: Principal, ticket: Ticket, now: Instant) {
        let recorded = max(now, lastRecorded)
        let verdict: Verdict
        if let refusal = standingRefusal() ?? DraftCheck.fault(ofTime: draft.at, recorded: recorded) ?? refusal(ofTime: draft.at) {
            verdict = .refused(refusal)
        } else {
            verdict = rule { () throws(ArchiveFailure) in try ruling(on: draft, by: principal, recorded: recorded) }
        }
        conclude(ticket, verdict, recorded)
    }

    /// Takes what changes a rule: a policy, a floor, a hold, or that the clock is right. What became of it is said by the commit.
    package func rule(_ draft: RuleDraft, by principal: Principal, ticket: Ticket, now: Instant) {
        let recorded = max(now, lastRecorded)
        let verdict: Verdict
        // Not refused for want of room: a hold must not come too late because the disk is nearly full.
        if let refusal = isWritable ? DraftCheck.fault(of: draft, recorded: recorded) : core.readOnly {
            verdict = .refused(refusal)
        } else if shredding != nil {
            verdict = .refused(.shredding)
        } else {
            verdict = ruling(on: draft, by: principal, recorded: recorded)
        }
        conclude(ticket, verdict, recorded)
    }

    /// Takes a step of a purge. What became of it is said by the commit.
    func purge(_ draft: PurgeDraft, by principal: Principal, ticket: Ticket, now: Instant) {
        let recorded = max(now, lastRecorded)
        // Not refused for want of room: what a purge writes is little, and it is what makes room.
        let verdict = isWritable ? ruling(on: draft, by: principal, recorded: recorded) : .refused(core.readOnly)
        conclude(ticket, verdict, recorded)
    }

    /// Puts an answer that was found at the door among the pending ones, so that a client gets its answers in order.
    package func refuse(_ refusal: Refusal, ticket: Ticket) { outcomes.append((ticket, .refused(refusal))) }

    private func rule(_ decide: () throws(ArchiveFailure) -> Verdict) -> Verdict {
        do { return try decide() } catch {
            return .refused(Refusal(.failed, "nothing was appended, because the log could not be searched: \(error)"))
        }
    }

    func conclude(_ ticket: Ticket, _ verdict: Verdict, _ recorded: Instant) {
        if case .appended = verdict { lastRecorded = recorded }
        outcomes.append((ticket, verdict))
    }

    /// An import brings its own time, and that time's partition may be about to leave.
    private func refusal(ofTime at: Instant?) -> Refusal? { isLeaving(at) ? .leaving : nil }

    /// Why nothing is appended at all, if so.
    func standingRefusal() -> Refusal? {
        if core.isDiskFull.load(ordering: .relaxed) {
            return Refusal(
                .full, "the disk has less than \(core.options.diskReserveBytes >> 20) MiB left; make room, appends then go on by themselves"
            )
        }
        return isWritable ? nil : core.readOnly
    }

    var isWritable: Bool { journal.failure == nil && core.trouble.withLock { $0 == nil } }

    // MARK: Writing

    func append(
        _ keys: OpenBatch.Keys, trailBytesMax: Int, bodyBytes: Int, writeTrail: (inout TrailWriter) -> Void,
        writeBody: (UnsafeMutableRawBufferPointer, _ record: UnsafeRawBufferPointer) -> Void
    ) -> Position {
        let position = batch.next
        batch.append(keys, trailBytesMax: trailBytesMax, bodyBytes: bodyBytes, writeTrail: writeTrail, writeBody: writeBody)
        if keys.kind == .send {
            let partition = core.store.partition(of: keys.at)
            recentIDs.insert(keys.message, at: position)
            filters.insert(keys.message, in: partition.number) { !core.store.shelf.contains(partition) }
        }
        return position
    }

    func append(_ event: Event) {
        precondition(event.position == batch.next, "an event must be made for the place it gets because its record says where it is")
        batch.append(event, IndexedNames(of: event, core.store.fingerprints))
        guard event.kind.isRule else { return }
        rules.apply(event)
        keys.forget()
        if case .clockConfirm = event.deed { clockConfirmed = event.position }
        hasNewRules = true
    }

    /// Appends an event that has no body.
    func append(_ deed: Event.Deed, tenant: TenantID?, at: Instant, imported: Instant? = nil, by principal: Principal) -> Position {
        let event = Event(position: batch.next, at: at, imported: imported, principal: principal, tenant: tenant, deed: deed)
        append(event)
        return event.position
    }

    /// Makes the batch durable with one write and one sync, then gives every outcome in the order of the drafts.
    ///
    /// After a failed write nobody knows what the disk has: everything that was to be written is answered with an
    /// error, and so is every later append.
    package func commit(deliver: (Ticket, Verdict) -> Void) {
        let first = batch.first
        let refusal = batch.isEmpty ? nil : write()
        swap(&outcomes, &spareOutcomes)
        for (ticket, verdict) in spareOutcomes {
            deliver(ticket, refusal.map { verdict.withdrawn(from: first, because: $0) } ?? verdict)
        }
        spareOutcomes.removeAll(keepingCapacity: true)
        tidy()
    }

    /// Returns why the batch is not in the log, if it is not.
    private func write() -> Refusal? {
        let first = batch.first
        var full = OpenBatch(first: batch.next, payloadCapacity: batch.bytes, noncePrefix: entropy.noncePrefix())
        swap(&full, &batch)
        let written: Batch
        do {
            // New keys first: a key without its bodies is of no use, and harmless; bodies without their key would be lost.
            if core.vault.hasUnsaved { try core.vault.save() }
            written = try full.commit(to: &journal)
        } catch {
            return retract(from: first, ArchiveFailure(error))
        }
        // Rules first: a reader who sees a position sees its rule. Those beyond a reader's end he leaves out.
        if hasNewRules { core.rules.withLock { $0 = rules } }
        hasNewRules = false
        if let clockConfirmed {
            let confirmation = ClockConfirmation(position: clockConfirmed, reading: core.readClocks())
            core.clockConfirmed.withLock { $0 = confirmation }
        }
        clockConfirmed = nil
        tailBytes = core.tail.publish(written, recorded: lastRecorded)
        foldThread.notice(bytes: tailBytes, isFirst: tailBytes == written.bytes)
        core.batches.add(1, ordering: .relaxed)
        return nil
    }

    private func retract(from first: Position, _ failure: ArchiveFailure) -> Refusal {
        batch = OpenBatch(first: first, payloadCapacity: 0, noncePrefix: entropy.noncePrefix())
        recentIDs.retract(from: first)
        recentDeletes.retract(from: first)
        tips = ConversationTips()
        lastRecorded = core.tail.view().recorded
        core.rules.withLock { rules = $0 }
        keys.forget()
        hasNewRules = false
        clockConfirmed = nil
        if failure.isForWantOfRoom {
            core.measureDisk()
            return Refusal(.full, "the disk has no room for the journal, or for a new key; make room, nothing was appended")
        }
        core.giveUp(failure)
        return Refusal(.failed, "the write failed, so whether this was appended shows only after a restart; \(Refusal.readOnly.sentence)")
    }

    /// Gives back what the fold has finished with.
    private func tidy() {
        for (partition, filter) in core.unreadFilters.take() { filters.join(filter, of: partition) }
        if journal.isTending, journal.failure == nil {
            do { try journal.tend() } catch { core.giveUp(.journal(error)) }
            core.journalBytes.store(journal.byteCount, ordering: .relaxed)
        }
        guard let folded = core.tail.foldedSequence, folded != released, journal.failure == nil else { return }
        released = folded
        let view = core.tail.view()
        let position = Position(view.first.rawValue - 1)
        recentIDs.forget(through: position)
        recentDeletes.forget(through: position)
        do { try journal.release(through: folded) } catch { core.giveUp(.journal(error)) }
        core.journalBytes.store(journal.byteCount, ordering: .relaxed)
    }
}

extension Verdict {
    /// What is said instead when the batch that begins at `first` did not get to the disk.
    fileprivate func withdrawn(from first: Position, because refusal: Refusal) -> Verdict {
        switch self {
        case .appended: .refused(refusal)
        case .present(let position, _): position >= first ? .refused(refusal) : self
        // It may have been compared with one that is taken back now.
        case .refused(let own): own.code == .conflict ? .refused(refusal) : self
        }
    }
}
