import Events
import Projections
import Vault

extension Appender {
    /// What becomes of a step of a purge. The one place where destroying is allowed or not: on the appender's thread, so that nothing
    /// comes between the check and the position it gives.
    func ruling(on draft: PurgeDraft, by principal: Principal, recorded: Instant) -> Verdict {
        switch draft {
        case .intent(let intent): rulingOnIntent(intent, by: principal, recorded: recorded)
        case .beginShred(let intent): rulingOnShred(of: intent, recorded: recorded)
        case .receipt(let receipt): write(receipt, by: principal, recorded: recorded)
        case .removal(let removal): ruling(on: removal, by: principal, recorded: recorded)
        }
    }

    private func rulingOnIntent(_ intent: PurgeIntent, by principal: Principal, recorded: Instant) -> Verdict {
        let outcome = RuleDecision(rules: rules, recorded: recorded).outcome(of: intent)
        guard case .taken = outcome else { return carryOut(outcome, by: principal, recorded: recorded) }
        // Another purge came first. An intent is of keys that are there: they die together, or none does.
        guard intent.keyIDs.allSatisfy({ core.vault.contains($0) }) else {
            return .refused(Refusal(.conflict, "another purge has destroyed or moved some of it since the plan; plan again"))
        }
        let verdict = carryOut(outcome, by: principal, recorded: recorded)
        // From here on nothing is sealed under a key that is to die, or it would die with it.
        keys.retire(intent.lines.lazy.flatMap(\.keys).map { KeyID($0) })
        return verdict
    }

    private func rulingOnShred(of position: Position, recorded: Instant) -> Verdict {
        let decision = RuleDecision(rules: rules, recorded: recorded)
        if let refusal = decision.refusal(ofShredBy: position) { return .refused(refusal) }
        shredding = position
        return .present(position, effectiveAt: recorded)
    }

    private func write(_ receipt: Purge, by principal: Principal, recorded: Instant) -> Verdict {
        let verdict = carryOut(RuleDecision(rules: rules, recorded: recorded).outcome(of: receipt), by: principal, recorded: recorded)
        guard case .appended = verdict else { return verdict }
        keys.endRetirement()
        shredding = nil
        return verdict
    }

    /// Whether rules may be changed now. False for the moment between the last check of a purge and its receipt.
    /// (After a failed write nothing is appended at all, and nobody need wait for that.)
    package var takesRules: Bool { shredding == nil || !isWritable }
}
