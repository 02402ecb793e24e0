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
        if let open = rules.purges.open.first {
            return .refused(Refusal(.busy, "another purge is under way (its intent is at \(open.position)); try again when it is done"))
        }
        guard rules.last <= intent.rules else { return .refused(.rulesChanged(rules.last)) }
        // Another purge came first. An intent is of keys that are there: they die together, or none does.
        guard intent.keyIDs.allSatisfy({ core.vault.contains($0) }) else {
            return .refused(Refusal(.conflict, "another purge has destroyed or moved some of it since the plan; plan again"))
        }
        let position = append(.purgeIntent(intent), tenant: intent.coverage.tenant, at: recorded, by: principal)
        // From here on nothing is sealed under a key that is to die, or it would die with it.
        keys.retire(intent.lines.lazy.flatMap(\.keys).map { KeyID($0) })
        return .appended(position, effectiveAt: recorded)
    }

    private func rulingOnShred(of position: Position, recorded: Instant) -> Verdict {
        guard let open = rules.purges.open.first(where: { $0.position == position }) else {
            return .refused(Refusal(.unknown, "the intent at \(position) is not open"))
        }
        guard rules.last <= open.intent.rules else { return .refused(.rulesChanged(rules.last)) }
        shredding = position
        return .present(position, effectiveAt: recorded)
    }

    private func write(_ receipt: Purge, by principal: Principal, recorded: Instant) -> Verdict {
        guard let open = rules.purges.open.first(where: { $0.position == receipt.intent }) else {
            return .refused(Refusal(.unknown, "the intent at \(receipt.intent) is not open"))
        }
        let position = append(.purge(receipt), tenant: open.intent.coverage.tenant, at: recorded, by: principal)
        keys.endRetirement()
        shredding = nil
        return .appended(position, effectiveAt: recorded)
    }

    /// Whether rules may be changed now. False for the moment between the last check of a purge and its receipt.
    /// (After a failed write nothing is appended at all, and nobody need wait for that.)
    package var takesRules: Bool { shredding == nil || !isWritable }
}

extension Refusal {
    static func rulesChanged(_ position: Position) -> Refusal {
        Refusal(.conflict, "a policy, floor or hold has changed since the plan (at \(position)); plan again")
    }
}
