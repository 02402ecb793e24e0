import Events
import Projections

/// Whether a daemon takes each event that changes a rule, or is a step of a purge, under the rules as they stood before it.
///
/// By the code that the appender decides with. What depends on settings of then, which the log does not tell, is judged by whether any
/// setting allows it.
struct RuleAudit {
    private let coolOffs: ClosedRange<Int64>
    private var rules = RuleBook()
    /// Settled ones, too.
    private var intents: Set<Position> = []

    /// - Parameter coolOffMillisecondsLeast: no daemon of the log ever had a shorter one.
    init(coolOffMillisecondsLeast least: Int64) {
        coolOffs = least...max(least, Int64(ArchiveOptions.coolOffHoursMax) * 3_600_000)
    }

    consuming func run(_ reading: RecordReading, _ report: inout AuditReport) {
        for event in reading.rules {
            // What is missing may have been the rule that makes legal what follows.
            if let unread = reading.unread, event.position > unread {
                return report.notes.append(
                    "whether rules and purges from \(event.position) on are legal was not judged: \(unread) is missing or cannot be read")
            }
            if let fault = fault(in: event) {
                report.note(illegal: event.position, event.kind, fault, in: reading.survey.files)
            }
            rules.apply(event)
            if case .purgeIntent = event.deed { intents.insert(event.position) }
        }
    }

    /// Why no daemon takes the event, if so.
    private func fault(in event: Event) -> String? {
        if case .retentionChange(let change) = event.deed { return fault(in: change, of: event) }
        if event.imported != nil { return "it brings a time of its own, and only messages, local deletes and retention changes may" }
        let decision = RuleDecision(rules: rules, recorded: event.recorded)
        switch event.deed {
        case .retentionCancel(let cancel):
            let draft = CancelDraft(change: cancel.change, reason: cancel.reason)
            return fault(in: event, drafted: .cancel(draft), decision.outcome(of: draft))
        case .holdPlace(let hold): return fault(in: event, drafted: .place(hold), decision.outcome(of: hold))
        case .holdRelease(let release):
            let draft = ReleaseDraft(hold: release.id, reason: release.reason)
            return fault(in: event, drafted: .release(draft), decision.outcome(of: draft))
        case .clockConfirm(let confirm):
            return fault(
                in: event, drafted: .confirmClock(reason: confirm.reason), decision.outcome(ofConfirmation: confirm.reason))
        case .purgeIntent(let intent):
            return fault(in: event, drafted: nil, decision.outcome(of: intent)) ?? intent.fault(in: event, under: rules)
        case .purge(let receipt): return fault(in: receipt, of: event, decision)
        case .partitionRemove(let removal): return fault(in: event, drafted: nil, decision.outcome(of: removal))
        case .send, .localDelete, .access, .retentionChange: return nil
        }
    }

    private func fault(in event: Event, drafted draft: RuleDraft?, _ outcome: RuleDecision.Outcome) -> String? {
        if let refusal = draft.flatMap({ DraftCheck.fault(of: $0, recorded: event.recorded) }) { return refusal.fact }
        switch outcome {
        case .taken(event.deed, tenant: event.tenant): return nil
        case .taken: return "it is not what is written of that under the rules before it"
        case .present(let position, _): return "what it says was said already, at \(position)"
        case .refused(let refusal): return refusal.fact
        }
    }

    private func fault(in receipt: Purge, of event: Event, _ decision: RuleDecision) -> String? {
        // That there is no such intent is told with the receipts.
        guard intents.contains(receipt.intent) else { return nil }
        if let fault = fault(in: event, drafted: nil, decision.outcome(of: receipt)) { return fault }
        guard let intent = decision.openIntent(at: receipt.intent) else { return nil }
        switch receipt.outcome {
        case .destroyed:
            if let refusal = decision.refusal(ofReceiptFor: receipt.intent) { return refusal.fact }
            // Another number of messages is told with the receipts.
            guard receipt.messages == intent.messages else { return nil }
            return receipt == intent.receipt(at: receipt.intent) ? nil : "it is not what its intent was about"
        case .withdrawn:
            return receipt == intent.withdrawal(at: receipt.intent) ? nil : "it is not the end of its intent, and counts something"
        }
    }

    private func fault(in change: RetentionChange, of event: Event) -> String? {
        let wanted = RetentionDraft.Change(change.target, change.rule, isLocked: change.isLocked)
        let at = event.imported.map { _ in event.at }
        let draft = RetentionDraft(scope: change.scope, changes: [wanted], reason: change.reason, at: at)
        if let refusal = DraftCheck.fault(of: .retention(draft), recorded: event.recorded) { return refusal.fact }
        let decision = RetentionDecision(
            scope: change.scope, change: wanted, reason: change.reason, at: event.at, recorded: event.recorded,
            coolOffMilliseconds: coolOffs.lowerBound)
        return decision.fault(in: change, under: rules.policies, coolOffs)
    }
}

extension RetentionDecision {
    /// Why nobody has decided so, whatever the cool-off was within a range; the decision itself is by the shortest.
    fileprivate func fault(in change: RetentionChange, under policies: PolicyBook, _ coolOffs: ClosedRange<Int64>) -> String? {
        let outcome = make(under: policies)
        if outcome == .success(change) { return nil }
        let isPossible = tellingCoolOffs(for: change.effectiveAt, under: policies).contains { coolOff in
            guard coolOffs.contains(coolOff) else { return false }
            var decision = self
            decision.coolOffMilliseconds = coolOff
            return decision.make(under: policies) == .success(change)
        }
        if isPossible { return nil }
        switch outcome {
        case .failure(let refusal): return refusal.fact
        case .success(let decided) where decided.isLocked != change.isLocked: return "it is no lock, and what is locked stays so"
        case .success(let decided):
            return
                "it takes effect at \(change.effectiveAt), and no cool-off lets it then: with the shortest it would at \(decided.effectiveAt)"
        }
    }

    /// What a decision is depends on which of the pending changes take effect before the cool-off is over, and on its end itself if that is when
    /// it takes effect. So one cool-off of each kind tells of all.
    private func tellingCoolOffs(for effectiveAt: Instant, under policies: PolicyBook) -> [Int64] {
        let turns = policies.course(of: change.target, for: scope).turns(after: recorded)
        return [effectiveAt.milliseconds - recorded.milliseconds, 1] + turns.map { $0.milliseconds - recorded.milliseconds + 1 }
    }
}

extension PurgeIntent {
    /// Why nobody may purge by it, if so: it must be judged by what the log knew, and by no moment that was still to come.
    fileprivate func fault(in event: Event, under before: RuleBook) -> String? {
        if horizonPosition >= event.position { return "its horizon \(horizonPosition) is not before it" }
        if horizonTime.milliseconds > event.at.milliseconds + AuditVerify.clockStepMilliseconds {
            return "it judges by \(horizonTime), and is of \(event.at)"
        }
        if rules != before.last {
            return "it goes by the rules up to \(rules), and the last one before it is at \(before.last)"
        }
        if basis != .expired, event.principal == .system { return "it destroys what has not expired, and nobody asked for it" }
        return nil
    }
}
