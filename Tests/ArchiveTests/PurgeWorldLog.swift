import Events
import Ledger
import Projections
import TestSupport
import Testing

@testable import Archive

/// What the world takes in from the log: what upkeep wrote there, and what a crash left of a batch that was never answered.
extension PurgeWorld {
    /// A batch that was being committed when the disk failed.
    struct Doubt {
        var pending: [Pending]
        /// So many events it had: all of them are in the log, or none.
        var events: Int
        var found = 0
    }

    /// Takes in what the log says since the last time.
    func absorb(afterStart isStart: Bool = false) throws {
        // What the log says is the archive's doing, whatever the disk does.
        let excuse = isExcused
        wasExcused = excuse() || wasExcused
        isExcused = { false }
        defer { isExcused = excuse }
        while true {
            let page = try scratch.archive.events(EventsQuestion(from: Position(UInt64(end) + 1), count: 1000))
            if page.events.isEmpty { break }
            for event in page.events { try take(event, isStart) }
        }
        if isStart { try endDoubt() }
    }

    private func take(_ event: Event, _ isStart: Bool) throws {
        try require(Int(event.position.rawValue) == end + 1, "", "\(event) does not follow \(end)")
        try require(Int(event.recorded.milliseconds) == now || event.recorded <= scratch.clock.now, "", "\(event) is of the future")
        if isStart, event.isOfClients, event.position.rawValue > answered { try take(inDoubt: event) }
        recorded.append(Int(event.recorded.milliseconds))
        switch event.deed {
        case .retentionChange(let change):
            let own = decided[Int(event.position.rawValue)]
            try require(
                own?.isLocked == change.isLocked && own?.effectiveAt == Int(change.effectiveAt.milliseconds), "",
                "the log says \(change), not \(String(describing: own))")
        case .purgeIntent(let intent):
            intents[event.position] = intent
            if wasExcused { hindered.insert(event.position) }
        case .purge(let receipt):
            guard let intent = intents.removeValue(forKey: receipt.intent) else { throw fail("", "a receipt of no intent: \(event)") }
            try take(receipt, of: intent, at: event, isStart)
        default: try require(event.position.rawValue <= answered, "", "nobody was answered \(event)")
        }
    }

    /// What is there of the batch in doubt is there in its order; what is left out between was refused.
    private func take(inDoubt event: Event) throws {
        guard var doubt, let index = doubt.pending.firstIndex(where: { $0.isMeant(by: event) }) else {
            throw fail("", "nobody asked for \(event)")
        }
        let pending = doubt.pending[index]
        doubt.pending.removeFirst(index + 1)
        doubt.found += 1
        self.doubt = doubt
        answered = Int(event.position.rawValue)
        var effectiveAt = event.at
        if case .retentionChange(let change) = event.deed { effectiveAt = change.effectiveAt }
        try pending.then(.appended(event.position, effectiveAt: effectiveAt))
    }

    private func endDoubt() throws {
        guard let doubt else { return }
        self.doubt = nil
        try require(
            doubt.found == 0 || doubt.found == doubt.events, "", "of a batch of \(doubt.events) events \(doubt.found) are in the log")
        note("", "of the batch in doubt \(doubt.found) of \(doubt.events) events are in the log")
    }

    private func take(_ receipt: Purge, of intent: PurgeIntent, at event: Event, _ isStart: Bool) throws {
        if receipt.outcome == .withdrawn, isStart || wasExcused || hindered.contains(receipt.intent) {
            return note("", "purge withdrawn, receipt \(event.position)")
        }
        try require(receipt.outcome == .destroyed, "", "withdrawn, though no rule changed: \(event)")
        let purge = PurgeModel.Purge(
            coverage: .init(intent.coverage), before: intent.basis.before,
            horizon: .init(position: Int(intent.horizonPosition.rawValue), time: Int(intent.horizonTime.milliseconds)))
        let planned = model.plan(purge)
        for line in intent.lines {
            let due = planned[.init(partition: Int(line.partition), tenant: line.tenant.text)]?[.due] ?? []
            try require(
                Int(line.messages) == due.count && Int(line.bytes) == due.reduce(0) { $0 + $1.body.utf8.count }
                    && Int(line.conversations) == Set(due.map(\.conversation)).count,
                line.tenant.text, "intent names \(line), due are \(due)")
        }
        let parts = Set(intent.lines.map { PurgeModel.Part(partition: Int($0.partition), tenant: $0.tenant.text) })
        note("", "purge \(intent.coverage) \(intent.basis), receipt \(event.position)")
        let moment = PurgeModel.Moment(position: Int(event.position.rawValue), time: Int(event.at.milliseconds))
        for message in model.note(purge, of: parts, receipt: moment) {
            let known = model.view(of: message.tenant, at: .init(position: end, time: .max))
            try require(!known.isHeld(message), message.tenant, "held and destroyed: \(message)")
            let view = model.view(of: message.tenant, at: present)
            try require(
                intent.basis != .expired || view.end(of: message) <= now, message.tenant, "destroyed before its time: \(message)")
        }
    }
}

extension Event {
    /// Whether somebody asked for it: the rest is upkeep's.
    var isOfClients: Bool {
        switch deed {
        case .purgeIntent, .purge, .partitionRemove: false
        default: true
        }
    }
}
