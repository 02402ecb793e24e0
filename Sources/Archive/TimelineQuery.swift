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
    /// So many are read together.
    private static let aheadMax = 64
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

    private func page(down harvest: consuming Harvest, hasNewer: Bool) -> TimelinePage {
        harvest.messages.reverse()
        return TimelinePage(
            messages: harvest.messages, previous: harvest.rest, next: hasNewer ? harvest.messages.last?.cursor : nil,
            position: horizon.position)
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
        var ahead = Ahead()
        for _ in 0..<Self.visitsMax {
            if ahead.candidates.isEmpty, !ahead.isLast {
                let wanted = question.count + 1 - harvest.messages.count
                ahead = try look(ahead: &walk, hiding, atMost: wanted, bytesMax: Self.bytesMax - bytes)
            }
            guard let candidate = ahead.candidates.popFirst() else { return harvest }
            if let message = try message(of: candidate, hiding) {
                if harvest.messages.count == question.count || bytes >= Self.bytesMax {
                    harvest.rest = last
                    return harvest
                }
                harvest.messages.append(message)
                bytes += message.body?.count ?? 0
                last = message.cursor
            }
            let place = candidate.place
            if harvest.messages.count < question.count, bytes < Self.bytesMax { last = Cursor(at: place.at, position: place.position) }
        }
        harvest.rest = last
        return harvest
    }

    /// A place of the walk that was looked at together with others.
    private struct Candidate {
        var place: PartitionIndex.Place
        var isHidden = false
        /// Nil where it was not read yet.
        var found: FoundMessage??
    }

    private struct Ahead {
        var candidates: ArraySlice<Candidate> = []
        /// Whether nothing comes behind them that may be seen: the walk is not asked again.
        var isLast = false
    }

    /// The next places of the walk, as many as may be needed, and what is there, as long as its bodies are not too many.
    ///
    /// What fails among them fails when its turn comes, if it does.
    private func look(
        ahead walk: inout TimelineWalk, _ hiding: Hiding?, atMost count: Int, bytesMax: Int
    ) throws(ArchiveFailure) -> Ahead {
        var ahead = Ahead()
        while !ahead.isLast, ahead.candidates.count < min(count, Self.aheadMax) {
            do throws(ArchiveFailure) {
                if let place = try walk.next(), place.at >= firstLiving, place.at <= horizon.time {
                    ahead.candidates.append(Candidate(place: place))
                } else {
                    ahead.isLast = true
                }
            } catch {
                if ahead.candidates.isEmpty { throw error }
                break
            }
        }
        if let hiding {
            let hidden = try hiding.hides(ahead.candidates.map(\.place.position))
            for (index, isHidden) in zip(ahead.candidates.indices, hidden) {
                let isExpired = Visibility.isExpired(at: ahead.candidates[index].place.at, under: terms, asOf: horizon.time)
                ahead.candidates[index].isHidden = isHidden || isExpired
            }
        }
        let seen = ahead.candidates.indices.filter { !ahead.candidates[$0].isHidden }
        let found = read(seen.map { ahead.candidates[$0].place.position }, bytesMax: bytesMax)
        for (index, found) in zip(seen, found) { ahead.candidates[index].found = .some(found) }
        return ahead
    }

    /// Those that come first, as many as could be read: each of the others is read when its turn comes.
    private func read(_ positions: [Position], bytesMax: Int) -> [FoundMessage?] {
        do throws(ArchiveFailure) { return try view.messages(at: positions, bytesMax: bytesMax) } catch { return [] }
    }

    private func message(of candidate: Candidate, _ hiding: Hiding?) throws(ArchiveFailure) -> Message? {
        if candidate.isHidden { return nil }
        let read = if let found = candidate.found { found } else { try view.message(at: candidate.place.position) }
        guard let found = read, found.tenant == question.tenant, found.send.conversation == question.conversation else { return nil }
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
