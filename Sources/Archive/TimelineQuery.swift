import Events
import Projections

extension Archive {
    /// A page of what a viewer sees of a conversation: only `visible` messages, ascending by (at, position). For an auditor all messages,
    /// each with its state and its body wherever that still exists: he must be in the log before he is shown it (`access`).
    package func timeline(_ question: TimelineQuestion) throws(ArchiveFailure) -> Result<TimelinePage, Refusal> {
        guard (1...TimelineQuestion.countMax).contains(question.count) else {
            return .failure(Refusal(.badArgument, "count must be 1 to \(TimelineQuestion.countMax)"))
        }
        let view = LogView(core)
        switch try view.horizon(question.asOf) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let horizon):
            let query = try TimelineQuery(question, within: horizon, view)
            return .success(try query.page())
        }
    }
}

/// One page in the making.
private struct TimelineQuery {
    private let question: TimelineQuestion
    private let horizon: Horizon
    private let view: LogView
    private let terms: Terms
    /// Everything older is expired: no walk goes there.
    private let firstLiving: Instant
    /// Nil for whoever is shown the past as it was.
    private let present: Present?

    /// So many messages are looked at for one page. A viewer who hid more in one stretch gets a shorter page and a cursor to go on.
    private static let visitsMax = 20_000
    /// And so many bytes of bodies are gathered, one body more at the most; the cursor leads to the rest.
    private static let bytesMax = 4 << 20

    init(_ question: TimelineQuestion, within horizon: Horizon, _ view: LogView) throws(ArchiveFailure) {
        self.question = question
        self.horizon = horizon
        self.view = view
        terms = view.rules.policies.terms(for: .conversation(question.tenant, question.conversation), within: horizon)
        firstLiving = question.viewer == nil ? .distantPast : Visibility.firstLiving(under: terms, asOf: horizon.time)
        present =
            question.asOf == .now || question.hasPastBodies
            ? nil : try Present(of: question.conversation, in: question.tenant, for: question.viewer, view)
    }

    /// What a walk found: nearest first, and where it goes on if it is not through.
    private struct Harvest {
        var messages: [Message] = []
        var rest: Cursor?
    }

    func page() throws(ArchiveFailure) -> TimelinePage {
        let bottom = PartitionIndex.Place(at: firstLiving, position: .none)
        let top = PartitionIndex.Place(at: horizon.time, position: .last)
        switch question.from {
        case .end: return page(down: try harvest(.down, from: top), hasNewer: false)
        case .before(let cursor): return page(down: try harvest(.down, from: min(top, cursor.place)), hasNewer: true)
        case .beginning: return page(up: try harvest(.up, from: bottom), hasOlder: false)
        case .after(let cursor): return page(up: try harvest(.up, from: max(bottom, cursor.place)), hasOlder: true)
        }
    }

    private func page(down harvest: Harvest, hasNewer: Bool) -> TimelinePage {
        let messages = Array(harvest.messages.reversed())
        return TimelinePage(
            messages: messages, previous: harvest.rest, next: hasNewer ? messages.last?.cursor : nil, position: horizon.position)
    }

    private func page(up harvest: Harvest, hasOlder: Bool) -> TimelinePage {
        TimelinePage(
            messages: harvest.messages, previous: hasOlder ? harvest.messages.first?.cursor : nil, next: harvest.rest,
            position: horizon.position)
    }

    private func harvest(_ direction: TimelineWalk.Direction, from start: PartitionIndex.Place) throws(ArchiveFailure) -> Harvest {
        var walk = try TimelineWalk(of: question.conversation, in: question.tenant, direction, from: start, through: horizon.position, view)
        let hiding = try question.viewer.map { (viewer) throws(ArchiveFailure) in
            try Hiding(of: question.conversation, in: question.tenant, by: viewer, within: horizon, view)
        }
        var harvest = Harvest()
        var last: Cursor?
        var bytes = 0
        for _ in 0..<Self.visitsMax {
            guard let place = try walk.next(), place.at >= firstLiving, place.at <= horizon.time else { return harvest }
            if let message = try message(at: place, hiding) {
                if harvest.messages.count == question.count || bytes >= Self.bytesMax {
                    harvest.rest = last
                    return harvest
                }
                harvest.messages.append(message)
                bytes += message.body?.count ?? 0
                last = message.cursor
            }
            if harvest.messages.count < question.count, bytes < Self.bytesMax { last = Cursor(at: place.at, position: place.position) }
        }
        harvest.rest = last
        return harvest
    }

    private func message(at place: PartitionIndex.Place, _ hiding: Hiding?) throws(ArchiveFailure) -> Message? {
        if let hiding {
            if try hiding.hides(place.position) || Visibility.isExpired(at: place.at, under: terms, asOf: horizon.time) { return nil }
        }
        guard let found = try view.message(at: place.position), found.tenant == question.tenant,
            found.send.conversation == question.conversation
        else { return nil }
        if hiding == nil { return try view.whole(found, within: horizon) }
        let seen = try view.seen(found, isHidden: false, within: horizon, terms: terms, isAsOf: question.asOf != .now)
        guard var message = seen, message.state == .visible || message.wasVisible else { return nil }
        if let present, try !present.shows(message) { message.body = nil }
        return message
    }
}

extension Message {
    fileprivate var cursor: Cursor { Cursor(at: at, position: position) }
}

extension Cursor {
    fileprivate var place: PartitionIndex.Place { PartitionIndex.Place(at: at, position: position) }
}
