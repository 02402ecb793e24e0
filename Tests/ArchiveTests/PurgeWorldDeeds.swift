import Events
import Projections
import TestSupport
import Testing

@testable import Archive

/// What happens in the world: one deed of each history at a time, all in one batch.
extension PurgeWorld {
    /// A deed that was handed to the appender, and what to do with the verdict.
    struct Pending {
        /// Whether it is what an event says. Asked only of a batch that was never answered.
        var isMeant: (Event) -> Bool
        var then: (Verdict) throws -> Void

        func isMeant(by event: Event) -> Bool { isMeant(event) }
    }

    func round() throws {
        var pending: [Pending] = []
        for tenant in tenants where random.chance(of: 3, in: 4) { try pending.append(deed(of: tenant)) }
        if random.chance(of: 1, in: 8) { try pending.append(random.chance(of: 2, in: 3) ? retention(nil) : hold(nil)) }
        try settle(pending)
    }

    func settle(_ pending: [Pending]) throws {
        let events = Int(scratch.appender.batch.next.rawValue - scratch.appender.batch.first.rawValue)
        let verdicts = scratch.commit()
        let excuse = isExcused
        isExcused = { false }
        defer { isExcused = excuse }
        try require(verdicts.count == pending.count, "", "verdicts are missing")
        if excuse(), !verdicts.contains(where: \.isAppended), verdicts.contains(where: { $0.code == .failed }) {
            note("", "in doubt: \(events) events")
            doubt = Doubt(pending: pending, events: events)
            throw Excused()
        }
        // What was taken is known to the model before anything that the log says of it is looked at.
        for (verdict, pending) in zip(verdicts, pending) {
            if excuse(), let code = verdict.code, [.failed, .full, .readOnly, .busy].contains(code) { continue }
            if verdict.isAppended, let position = verdict.position { answered = max(answered, Int(position.rawValue)) }
            try pending.then(verdict)
        }
        try absorb()
    }

    private func deed(of tenant: String) throws -> Pending {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<52: return send(tenant)
        case ..<64: return try hide(tenant)
        case ..<68: return try clear(tenant)
        case ..<81: return try retention(tenant)
        case ..<86: return cancel(tenant)
        case ..<95: return try hold(tenant)
        default: return try release(tenant)
        }
    }

    private func send(_ tenant: String) -> Pending {
        let old = model.messages[tenant]?.randomElement(using: &random)
        var message = PurgeModel.Message(
            at: oldTime(), tenant: tenant, conversation: pick(Self.names.conversations), sender: pick(Self.names.people),
            id: pick(Self.names.ids), body: String(repeating: "x", count: Int.random(in: 0..<4, using: &random)) + "\(random.next() % 100)")
        if let old, random.chance(of: 1, in: 4) { message = old }
        let isImport = random.chance(of: 3, in: 5)
        let clock = scratch.clock.now
        if !isImport { message.at = now }
        scratch.admit(
            Scratch.Post(message.id).with {
                $0.tenant = tenant
                $0.conversation = message.conversation
                $0.sender = message.sender
                $0.body = message.body
                $0.at = isImport ? min(Instant(milliseconds: Int64(message.at)), clock) : nil
            })
        let meant = message
        return Pending(isMeant: { $0.isSend(of: meant, isImport: isImport) }) { [self] verdict in
            note(tenant, "send \(isImport ? "imported " : "")\(message): \(verdict)")
            switch verdict {
            case .appended(let position, let at):
                message.at = Int(at.milliseconds)
                message.position = Int(position.rawValue)
                model.note(.send(message), tenant: tenant, position: message.position, at: message.at)
            case .present(let position, _):
                let twin = model.messages[tenant]?.first { $0.position == Int(position.rawValue) }
                try require(
                    twin.map { $0.id == message.id && $0.conversation == message.conversation && $0.sender == message.sender } ?? false,
                    tenant, "is no twin of \(String(describing: twin)): \(message)")
            case .refused(let refusal): try require(refusal.code == .conflict, tenant, "\(refusal)")
            }
        }
    }

    private func hide(_ tenant: String) throws -> Pending {
        let conversation = pick(Self.names.conversations)
        let viewer = pick(Self.names.people)
        let ids = Array(Set((0...1).map { _ in pick(Self.names.ids) })).sorted()
        let draft = LocalDeleteDraft(
            tenant: try TenantID(tenant), conversation: try ConversationID(conversation), viewer: try UserID(viewer),
            extent: .messages(try ids.map { try MessageID($0) }))
        scratch.appender.localDelete(draft, by: .user(1000), ticket: Ticket(0), now: scratch.clock.now)
        return Pending(isMeant: { $0.isHide(of: draft) }) { [self] verdict in
            note(tenant, "hide \(ids) in \(conversation) from \(viewer): \(verdict)")
            guard case .appended(let position, let at) = verdict else { return }
            let targets = ids.compactMap { id in
                model.messages[tenant]?.filter { $0.id == id && $0.conversation == conversation }.max {
                    ($0.at, $0.position) < ($1.at, $1.position)
                }
            }
            try require(targets.count == ids.count, tenant, "hid what is not there")
            model.note(
                .hide(viewer: viewer, targets.map(\.position)), tenant: tenant, position: Int(position.rawValue), at: Int(at.milliseconds))
        }
    }

    private func clear(_ tenant: String) throws -> Pending {
        let conversation = pick(Self.names.conversations)
        let viewer = pick(Self.names.people)
        let upTo = Int.random(in: 1...max(1, end), using: &random)
        let draft = LocalDeleteDraft(
            tenant: try TenantID(tenant), conversation: try ConversationID(conversation), viewer: try UserID(viewer),
            extent: .upTo(Position(UInt64(upTo))))
        scratch.appender.localDelete(draft, by: .user(1000), ticket: Ticket(0), now: scratch.clock.now)
        return Pending(isMeant: { $0.isHide(of: draft) }) { [self] verdict in
            note(tenant, "clear \(conversation) up to \(upTo) from \(viewer): \(verdict)")
            guard case .appended(let position, let at) = verdict else { return }
            model.note(
                .clear(conversation: conversation, viewer: viewer, upTo: upTo), tenant: tenant, position: Int(position.rawValue),
                at: Int(at.milliseconds))
        }
    }

    func coverage(_ tenant: String?) -> PurgeModel.Coverage {
        var coverage = PurgeModel.Coverage(tenant: tenant)
        if tenant != nil {
            coverage.conversation = maybe(1, in: 3, pick(Self.names.conversations))
            coverage.sender = maybe(1, in: 3, pick(Self.names.people))
        }
        let known = tenant.flatMap { model.messages[$0]?.randomElement(using: &random)?.at } ?? oldTime()
        coverage.from = maybe(1, in: 4, known)
        coverage.until = maybe(1, in: 4, max((coverage.from ?? 0) + 1, known + pick([0, 1, Calendar.day])))
        return coverage
    }

    private func hold(_ tenant: String?) throws -> Pending {
        let coverage = coverage(tenant)
        let name = "\(tenant ?? "all")-\(pick(["1", "2", "3"]))"
        let place = HoldPlace(id: try HoldID(name), coverage: try coverage.real, matter: "matter", reason: "because")
        scratch.appender.rule(.place(place), by: .user(0), ticket: Ticket(0), now: scratch.clock.now)
        return Pending(isMeant: { $0.deed == .holdPlace(place) }) { [self] verdict in
            note(tenant ?? "", "hold \(name) \(coverage): \(verdict)")
            guard case .appended(let position, let at) = verdict else { return }
            positionsOfRules.append(Int(position.rawValue))
            model.note(.place(name, coverage), tenant: tenant ?? "", position: Int(position.rawValue), at: Int(at.milliseconds))
        }
    }

    private func release(_ tenant: String) throws -> Pending {
        let owner = random.chance(of: 1, in: 5) ? nil : tenant
        let name = "\(owner ?? "all")-\(pick(["1", "2", "3"]))"
        scratch.appender.rule(
            .release(ReleaseDraft(hold: try HoldID(name), reason: "because")), by: .user(0), ticket: Ticket(0), now: scratch.clock.now)
        return Pending(isMeant: { $0.releases(name) }) { [self] verdict in
            note(owner ?? "", "release \(name): \(verdict)")
            guard case .appended(let position, let at) = verdict else { return }
            positionsOfRules.append(Int(position.rawValue))
            model.note(.release(name), tenant: owner ?? "", position: Int(position.rawValue), at: Int(at.milliseconds))
        }
    }
}

extension Event {
    fileprivate func isSend(of message: PurgeModel.Message, isImport: Bool) -> Bool {
        guard case .send(let send) = deed, tenant?.text == message.tenant, send.messageID.text == message.id else { return false }
        return send.conversation.text == message.conversation && send.sender.text == message.sender
            && Int(send.bodyBytes) == message.body.utf8.count && (imported != nil) == isImport
    }

    /// Of several ids only those are in the event that were not hidden already.
    fileprivate func isHide(of draft: LocalDeleteDraft) -> Bool {
        guard case .localDelete(let deletion) = deed, tenant == draft.tenant, deletion.conversation == draft.conversation,
            deletion.viewer == draft.viewer
        else { return false }
        switch (deletion.extent, draft.extent) {
        case (.messages(let targets), .messages(let ids)): return targets.allSatisfy { ids.contains($0.messageID) }
        case (.upTo(let position), .upTo(let asked)): return position == asked
        default: return false
        }
    }

    fileprivate func releases(_ hold: String) -> Bool {
        if case .holdRelease(let release) = deed { release.id.text == hold } else { false }
    }
}
