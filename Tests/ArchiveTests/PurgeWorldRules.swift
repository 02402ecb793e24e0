import Events
import Projections
import TestSupport
import Testing

@testable import Archive

/// What is decided in the world about how long messages are kept. The model says beforehand what becomes of each decision, and when it
/// takes effect.
extension PurgeWorld {
    func retention(_ tenant: String?) throws -> Pending {
        var change = change(of: tenant)
        let isImport = random.chance(of: 1, in: 3)
        let time = now
        change.at = isImport ? timeOfDecision() : time
        let draft = RetentionDraft(
            scope: try change.scope.real, changes: [try change.draft], reason: "because",
            at: isImport ? Instant(milliseconds: Int64(change.at)) : nil)
        scratch.appender.rule(.retention(draft), by: .user(0), ticket: Ticket(0), now: scratch.clock.now)
        return Pending(isMeant: { $0.isChange(of: draft) }) { [self] verdict in
            note(tenant ?? "", "retain\(isImport ? ", imported," : "") \(change): \(verdict)")
            let (ruling, decided) = ruling(on: change, isImport: isImport, time)
            try require(verdict.ruling == ruling, tenant ?? "", "\(change) was \(verdict), not \(ruling)")
            guard case .takes = ruling, let position = verdict.position else { return }
            try take(decided, Int(position.rawValue), time)
        }
    }

    /// Often what was decided before in another scope: a conversation's policy that equals its tenant's lock, say.
    private func change(of tenant: String?) -> ModelRules.Change {
        var change = ModelRules.Change(
            scope: .init(tenant: tenant, conversation: tenant.flatMap { _ in maybe(1, in: 2, pick(Self.names.conversations)) }))
        change.scope.isFloor = random.chance(of: 1, in: 3)
        // Nobody's messages would ever go if a history could bind the others for long.
        let periods = change.scope.isFloor || tenant == nil ? Array(Periods.all.prefix(8)) : Periods.all
        change.period = maybe(6, in: 7, pick(periods))
        let last = changes(of: tenant ?? "").last { $0.period.map(periods.contains) ?? false }
        if let last, random.chance(of: 1, in: 4) { change.period = last.period }
        change.isLocked = random.chance(of: 1, in: tenant == nil ? 40 : 8)
        return change
    }

    /// Of long ago, or of the days in which something may be pending.
    private func timeOfDecision() -> Int {
        random.chance(of: 1, in: 3) ? oldTime() : min(clock, now - Int.random(in: 0..<12, using: &random) * Calendar.day)
    }

    private func changes(of tenant: String) -> [ModelRules.Change] {
        (model.entries[tenant] ?? []).compactMap { if case .rule(let change) = $0.deed { change } else { nil } }
    }

    private func ruling(on change: ModelRules.Change, isImport: Bool, _ time: Int) -> (ModelRules.Ruling, ModelRules.Change) {
        let tenant = change.scope.tenant ?? ""
        let rules = model.view(of: tenant, at: .init(position: .max, time: .max)).rules
        let ruled = rules.ruling(on: change, isImport: isImport, now: time, coolOff: coolOff, all: changes(of: tenant))
        guard case .takes(let effectiveAt) = ruled.0 else { return ruled }
        let superseded = (rules.changes[change.scope] ?? []).filter {
            $0.effectiveAt > time && $0.at <= change.at && effectiveAt <= $0.effectiveAt
        }
        return followers(of: superseded, at: time).min().map { (.refused("CONFLICT \($0)"), ruled.1) } ?? ruled
    }

    /// Later changes of narrower scopes that are pending until the same moment: what stands before them is not taken away.
    private func followers(of changes: [ModelRules.Change], at time: Int) -> [Int] {
        let pending = ([""] + tenants).flatMap { tenant in
            model.view(of: tenant, at: .init(position: .max, time: .max)).rules.changes.values.joined().filter { $0.effectiveAt > time }
        }
        return pending.filter { later in
            changes.contains {
                !$0.scope.isFloor && later.scope.wider.contains($0.scope) && later.position > $0.position
                    && later.effectiveAt == $0.effectiveAt
            }
        }.map(\.position)
    }

    /// Notes it, and looks at the messages that there are: nothing ends earlier before the cool-off is over, and what a lock keeps never.
    private func take(_ change: ModelRules.Change, _ position: Int, _ time: Int) throws {
        var change = change
        change.position = position
        let tenant = change.scope.tenant ?? ""
        let moments = coolOff == 0 ? [] : [time, time + Int.random(in: 0..<coolOff, using: &random), time + coolOff - 1]
        let lock = model.view(of: tenant, at: .init(position: .max, time: .max)).rules.change(of: change.scope, at: time)
        // What is about all of them is looked at for some.
        let concerned = change.scope.tenant.map { [$0] } ?? (0..<3).map { _ in pick(tenants) }
        let before = ends(of: concerned, at: moments)
        model.note(.rule(change), tenant: tenant, position: position, at: change.at)
        positionsOfRules.append(position)
        decided[position] = change
        for (old, new) in zip(before, ends(of: concerned, at: moments)) {
            try require(new.end >= old.end, tenant, "\(change) lets it end at \(new.end), not \(old.end): \(old.message)")
        }
        guard let lock, lock.isLock, let least = lock.period else { return }
        for message in before.map(\.message) {
            let end = Calendar.end(of: try #require(change.period), from: message.at)
            try require(change.isLocked && end >= Calendar.end(of: least, from: message.at), tenant, "\(change) breaks \(lock)")
        }
    }

    private func ends(of tenants: [String], at moments: [Int]) -> [(message: PurgeModel.Message, end: Int)] {
        moments.flatMap { time in
            tenants.flatMap { tenant in
                let view = model.view(of: tenant, at: .init(position: .max, time: time))
                return view.messages.map { ($0, view.end(of: $0)) }
            }
        }
    }

    /// One of the last changes: it may have superseded others, or be in force.
    func cancel(_ tenant: String) -> Pending {
        let changes = changes(of: tenant).suffix(3).map(\.position)
        let change = changes.isEmpty ? 1_000_000_000 : pick(changes)
        let time = now
        scratch.appender.rule(
            .cancel(CancelDraft(change: Position(UInt64(change)), reason: "because")), by: .user(0), ticket: Ticket(0),
            now: scratch.clock.now)
        return Pending(isMeant: { $0.cancels(change) }) { [self] verdict in
            note(tenant, "cancel \(change): \(verdict)")
            try require(verdict.ruling == rulingOnCancel(of: change, tenant, time), tenant, "cancel \(change): \(verdict)")
            guard case .appended(let position, let at) = verdict else { return }
            positionsOfRules.append(Int(position.rawValue))
            model.note(.cancel(change), tenant: tenant, position: Int(position.rawValue), at: Int(at.milliseconds))
        }
    }

    private func rulingOnCancel(of change: Int, _ tenant: String, _ time: Int) -> ModelRules.Ruling {
        let earlier = (model.entries[tenant] ?? []).first { if case .cancel(change) = $0.deed { true } else { false } }
        guard let known = changes(of: tenant).first(where: { $0.position == change }) else { return .refused("UNKNOWN") }
        if let earlier { return .present(earlier.moment.position) }
        if known.effectiveAt <= time { return .refused("CONFLICT") }
        return followers(of: [known], at: time).min().map { .refused("CONFLICT \($0)") } ?? .takes(effectiveAt: time)
    }

    /// Asks what a change would do, and counts it.
    func preview() throws {
        var change = change(of: maybe(5, in: 6, pick(tenants)))
        (change.isLocked, change.at) = (false, now)
        let tenant = change.scope.tenant ?? ""
        let found = try scratch.archive.preview(PreviewQuestion(scope: try change.scope.real, changes: [try change.draft]))
        let (ruling, decided) = ruling(on: change, isImport: false, now)
        switch found {
        case .failure(let refusal):
            try require(Verdict.refused(refusal).ruling == ruling, tenant, "preview of \(change): \(refusal), not \(ruling)")
        case .success(let preview):
            let effectiveAt = Int(preview.effectiveAt.milliseconds)
            try require(
                ruling == .takes(effectiveAt: effectiveAt) && (coolOff == 0 || preview.shortens == (effectiveAt > now)), tenant,
                "preview of \(change): \(preview), not \(ruling)")
            let expected = count(decided, at: .init(position: end + 1, time: effectiveAt))
            let counts = [preview.expiring, preview.kept].map { [$0.messages, $0.conversations, $0.bytes] }
            try require(
                counts == expected.counts && preview.expiringHeld == expected.held, tenant,
                "preview of \(change): \(preview), not \(expected)")
        }
    }

    /// Messages, conversations and bytes that would expire, and that would be kept for longer; and those of the first that are held.
    private func count(_ change: ModelRules.Change, at moment: PurgeModel.Moment) -> (counts: [[UInt64]], held: UInt64) {
        var with = model
        with.note(.rule(change), tenant: change.scope.tenant ?? "", position: moment.position, at: now)
        var (expiring, kept, held): ([PurgeModel.Message], [PurgeModel.Message], UInt64) = ([], [], 0)
        for tenant in change.scope.tenant.map({ [$0] }) ?? tenants {
            let (before, after) = (model.view(of: tenant, at: moment), with.view(of: tenant, at: moment))
            for message in before.messages where model.destroyed[message.position] == nil {
                guard change.scope.conversation ?? message.conversation == message.conversation else { continue }
                let (old, new) = (before.end(of: message), after.end(of: message))
                if new > moment.time, new > old { kept.append(message) }
                guard new <= moment.time, old > moment.time else { continue }
                if before.isHeld(message) { held += 1 } else { expiring.append(message) }
            }
        }
        return (
            [expiring, kept].map { all in
                let conversations = Set(all.map { [$0.tenant, $0.conversation] }).count
                return [UInt64(all.count), UInt64(conversations), UInt64(all.reduce(0) { $0 + $1.body.utf8.count })]
            }, held
        )
    }
}

extension ModelRules.Scope {
    fileprivate var real: Scope {
        get throws {
            guard let tenant else { return .system }
            return try conversation.map { .conversation(try TenantID(tenant), try ConversationID($0)) } ?? .tenant(try TenantID(tenant))
        }
    }
}

extension ModelRules.Change {
    fileprivate var draft: RetentionDraft.Change {
        get throws {
            .init(scope.isFloor ? .floor : .policy, try #require(RetentionChange.Rule(text: period ?? "inherit")), isLocked: isLocked)
        }
    }
}

extension Verdict {
    /// In the model's words. What a conflict names is the change that is to be cancelled first.
    fileprivate var ruling: ModelRules.Ruling {
        switch self {
        case .appended(_, let effectiveAt): return .takes(effectiveAt: Int(effectiveAt.milliseconds))
        case .present(let position, _): return .present(Int(position.rawValue))
        case .refused(let refusal):
            guard let range = refusal.sentence.firstRange(of: "RETENTION.CANCEL ") else { return .refused(refusal.code.rawValue) }
            return .refused("\(refusal.code.rawValue) \(refusal.sentence[range.upperBound...].prefix { $0.isNumber })")
        }
    }
}

extension Event {
    fileprivate func isChange(of draft: RetentionDraft) -> Bool {
        guard case .retentionChange(let change) = deed, change.scope == draft.scope, (imported != nil) == (draft.at != nil) else {
            return false
        }
        return draft.changes.contains { $0.target == change.target && $0.rule == change.rule }
    }

    fileprivate func cancels(_ change: Int) -> Bool {
        if case .retentionCancel(let cancel) = deed { cancel.change.rawValue == UInt64(change) } else { false }
    }
}
