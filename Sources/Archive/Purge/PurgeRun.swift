import Events
import Ledger
import Projections
import Synchronization
import Vault

/// One intent on its way through the one door through which content is destroyed: intent, evacuation, shredding, receipt.
///
/// A machine that is stepped: whoever steps it decides what else happens in between. Each step may run twice without harm, and after a
/// crash between any two of them the next start finishes the intent or undoes it (`settle`).
struct PurgeRun {
    let core: Core
    let intent: PurgeIntent
    /// Hands a step to the appender's thread, and returns when it is on disk, or refused.
    let append: (PurgeDraft) -> Verdict
    private(set) var state = State.planned
    /// Why it was withdrawn, where the last check refused it.
    private(set) var hindrance: Refusal?

    enum State: Hashable {
        case planned
        case intended(Position)
        case evacuated(Position)
        /// From here on no rule changes until the receipt.
        case bound(Position)
        case shredded(Position)
        /// The keys are destroyed, and the log says so.
        case done(receipt: Position)
        /// A rule changed on the way: nothing was destroyed, and the log says so.
        case withdrawn(receipt: Position)
        /// It was never begun.
        case refused(Refusal)
    }

    init(_ core: Core, _ intent: PurgeIntent, append: @escaping (PurgeDraft) -> Verdict) {
        self.core = core
        self.intent = intent
        self.append = append
    }

    var isOver: Bool {
        switch state {
        case .done, .withdrawn, .refused: true
        default: false
        }
    }

    /// Takes the next step. `report` is told how many bodies are sealed anew, and how many there are.
    mutating func advance(flush: () -> Void, report: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(ArchiveFailure) {
        switch state {
        case .planned: intend()
        case .intended(let position): try evacuate(position, flush, report)
        case .evacuated(let position): bind(position)
        case .bound(let position): try shred(position)
        case .shredded(let position): try end(position, .destroyed)
        case .done, .withdrawn, .refused: break
        }
    }

    private mutating func intend() {
        switch append(.intent(intent)) {
        case .appended(let position, _), .present(let position, _):
            core.options.reached(.intended)
            state = .intended(position)
        case .refused(let refusal): state = .refused(refusal)
        }
    }

    private mutating func evacuate(_ position: Position, _ flush: () -> Void, _ report: (Int, Int) -> Void) throws(ArchiveFailure) {
        // What was sealed under a dying key before the intent may still be in the journal alone. And whoever looks at the files beside the
        // daemon, or has a copy of them, must find the intent before he finds a key gone.
        flush()
        guard try core.store.progress().position >= position else {
            throw core.trouble.withLock { $0 } ?? .folder(path: core.folder.path, reason: "is not folded; a purge waits until it is")
        }
        try Evacuation(core, intent, position: position).run(report)
        core.options.reached(.evacuated)
        state = .evacuated(position)
    }

    private mutating func bind(_ position: Position) {
        switch append(.beginShred(intent: position)) {
        case .appended, .present: state = .bound(position)
        case .refused(let refusal):
            hindrance = refusal
            withdraw(position)
        }
    }

    private mutating func withdraw(_ position: Position) {
        switch append(.receipt(intent.withdrawal(at: position))) {
        case .appended(let receipt, _), .present(let receipt, _): state = .withdrawn(receipt: receipt)
        case .refused(let refusal): state = .refused(refusal)
        }
    }

    private mutating func shred(_ position: Position) throws(ArchiveFailure) {
        core.options.reached(.shredBegun)
        do {
            try core.vault.shred(Set(intent.keyIDs), now: core.now) { core.options.reached(FailPoint("shred-" + $0.rawValue)) }
        } catch {
            // Nothing was destroyed, or all of it: the keyring is one file, and changes as a whole.
            guard intent.keyIDs.contains(where: { !core.vault.contains($0) }) else {
                withdraw(position)
                throw .vault(error)
            }
            // The old root key, or the old escrow, may still be somewhere, so nobody may say yet that all is destroyed. The next start ends it.
            core.giveUp(.vault(error))
            throw .vault(error)
        }
        core.options.reached(.shredded)
        state = .shredded(position)
    }

    private mutating func end(_ position: Position, _ outcome: PurgeOutcome) throws(ArchiveFailure) {
        switch append(.receipt(intent.receipt(at: position))) {
        case .appended(let receipt, _), .present(let receipt, _):
            core.options.reached(.receipted)
            state = .done(receipt: receipt)
        // The next start writes it: the keys are gone, and the intent is open.
        case .refused(let refusal): state = .refused(refusal)
        }
    }
}

extension PurgeIntent {
    var keyIDs: [KeyID] { lines.flatMap { $0.keys.map { KeyID($0) } } }

    func receipt(at position: Position) -> Purge {
        Purge(intent: position, outcome: .destroyed, messages: messages, bytes: bytes, keys: UInt64(keyCount), digest: digest)
    }

    func withdrawal(at position: Position) -> Purge {
        Purge(intent: position, outcome: .withdrawn, messages: 0, bytes: 0, keys: 0, digest: digest)
    }
}

extension Appender {
    /// Ends what a crash left open, before anybody is served: if the keys are gone, the receipt is written; if they are there, nothing
    /// was destroyed yet, and the intent is withdrawn.
    func settlePurges(now: Instant) throws(ArchiveFailure) {
        for (position, intent) in rules.purges.open {
            // All of them or none, as the start has made sure.
            let isGone = intent.keyIDs.contains { !core.vault.contains($0) }
            let receipt = isGone ? intent.receipt(at: position) : intent.withdrawal(at: position)
            purge(.receipt(receipt), by: .system, ticket: Ticket(0), now: now)
            var refusal: Refusal?
            commit { _, verdict in if case .refused(let why) = verdict { refusal = why } }
            if let refusal { throw .folder(path: core.folder.path, reason: "has an open purge that cannot be ended: \(refusal.sentence)") }
        }
    }
}
