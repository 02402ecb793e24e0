import AnnalsClient

/// Compares a conversation as of two moments: as one viewer saw it, or all of it.
struct TimelineDiff {
    private let conversation: String
    private let eyes: Eyes
    private let from: LogMoment
    private let to: LogMoment
    private let assessor: Assessor
    private var client: AnnalsClient { assessor.client }

    enum Eyes {
        case viewer(String)
        /// An auditor's, who says why he looks.
        case everybody(reason: String)
    }

    /// What came of it.
    struct Outcome {
        var changes: [TimelineChange] = []
        /// Whether there was nothing at either moment.
        var isEmpty = true
    }

    /// A change, and when it was: what happened to one message is told in its order.
    private typealias Dated = (change: TimelineChange, time: Int)

    /// What is known of a message.
    private struct Fate {
        var message: AnnalsClient.Message
        /// At the earlier moment; nil where it is not there, or its id means another one.
        var was: Assessor.Assessment?
        /// At the later one.
        var becomes: Assessor.Assessment?
        /// By what receipt it was destroyed, and when, if that was by the later moment.
        var purge: (receipt: Int, time: Int)?
        var hidings: [Hidings.Hiding]
        /// Whether it is on the earlier timeline, and not on the later one.
        var isLost: Bool
    }

    init(_ tenant: String, _ conversation: String, _ eyes: Eyes, from: LogMoment, to: LogMoment, _ client: AnnalsClient) {
        (self.conversation, self.eyes, self.from, self.to) = (conversation, eyes, from, to)
        assessor = Assessor(tenant: tenant, client: client)
    }

    func run() async throws(Trouble) -> Outcome {
        let before = try await messages(asOf: from, eyes)
        let after = try await messages(asOf: to, eyes)
        let known = Set(before.map(\.position))
        // What is not there yet at the later moment is no change: a time and a position need not lie within each other.
        let all = (before + after.filter { !known.contains($0.position) }).filter { to.includes($0) }
            .sorted { ($0.at, $0.position) < ($1.at, $1.position) }
        let steps = try await RetentionSteps(of: conversation, from: from, to: to, assessor)
        let (was, becomes) = (try await assessor.assess(all.filter(from.includes), at: from), try await assessor.assess(all, at: to))
        // Expired at the earlier moment, and there again since: on nobody's timeline then, and yet somebody may have hidden them before.
        let returned = all.filter { message in
            was[message.position]?.isExpired(at: from.time) == true && becomes[message.position]?.isExpired(at: to.time) == false
        }
        let hidings = try await hidings(among: all, seen: known, returned)
        let purges = try await purges(among: becomes.values.compactMap(\.receipt))
        let remaining = Set(after.map(\.position))
        var changes: [TimelineChange] = []
        for message in all {
            let end = becomes[message.position]
            let fate = Fate(
                message: message, was: was[message.position], becomes: end, purge: end?.receipt.flatMap { purges[$0] },
                hidings: hidings.of(message), isLost: known.contains(message.position) && !remaining.contains(message.position))
            changes += try await self.changes(of: fate, steps)
        }
        return Outcome(changes: changes, isEmpty: before.isEmpty && after.isEmpty)
    }

    /// What became of one message, in its order.
    private func changes(of fate: Fate, _ steps: RetentionSteps) async throws(Trouble) -> [TimelineChange] {
        let message = fate.message
        var own: [Dated] = []
        if !from.includes(message) { own.append((TimelineChange(message, .appeared), .min)) }
        // From when on nobody sees it, whoever hides it then.
        var end = (time: Int.max, position: Int.max)
        if let purge = fate.purge {
            if from.includes(purge.receipt, since: purge.time) { return own.map(\.change) }
            own.append((TimelineChange(message, .purged(purge.receipt)), purge.time))
            end = (purge.time, purge.receipt)
        }
        if let becomes = fate.becomes {
            let (wasExpired, isExpired) = (fate.was?.isExpired(at: from.time) ?? false, becomes.isExpired(at: to.time))
            if wasExpired != isExpired {
                let turn = try await steps.turn(of: message, to: isExpired)
                // What is destroyed neither expires nor comes back.
                if turn.time < end.time {
                    own.append((TimelineChange(message, isExpired ? .expired(turn.cause) : .keptLonger(turn.cause)), turn.time))
                    if isExpired { end = (turn.time, turn.event ?? .max) }
                }
            } else if isExpired {
                end = (.min, .min)
            }
        }
        for hiding in fate.hidings where (hiding.time, hiding.event) < end {
            var change = TimelineChange(message, .hidden(hiding.event))
            if case .everybody = eyes { change.viewer = hiding.viewer }
            own.append((change, hiding.time))
        }
        if case .viewer = eyes, fate.isLost, own.isEmpty {
            own.append((TimelineChange(message, fate.becomes?.isPurged == true ? .purged(nil) : .gone), .max))
        }
        return own.sorted { ($0.time, $0.change.cause ?? 0) < ($1.time, $1.change.cause ?? 0) }.map(\.change)
    }

    /// Which of these receipts were there by the later moment, and since when. Many messages share one.
    private func purges(among receipts: [Int]) async throws(Trouble) -> [Int: (receipt: Int, time: Int)] {
        var found: [Int: (receipt: Int, time: Int)] = [:]
        for receipt in Set(receipts) {
            guard let event = try await LogMoment.event(atOrAfter: receipt, client) else { continue }
            let time = LogMoment.time(of: event)
            if to.includes(receipt, since: time) { found[receipt] = (receipt, time) }
        }
        return found
    }

    /// Looks through what came in between the moments for local deletes.
    private func hidings(
        among messages: [AnnalsClient.Message], seen: Set<AnnalsClient.Position>, _ returned: [AnnalsClient.Message]
    ) async throws(Trouble) -> Hidings {
        let from = from
        var hidings = Hidings(among: messages, isByPosition: from.isPosition) { !from.includes($0) }
        guard !messages.isEmpty, var next = try await from.firstBeyond(client) else { return hidings }
        var sights: [[UInt8]: Set<AnnalsClient.Position>] = [:]
        while true {
            let page = try await client.ask([
                "EVENTS.READ", "FROM", .number(next), "COUNT", 1000, "TENANT", .text(assessor.tenant),
            ])
            let events = page.array ?? []
            for event in events {
                guard let position = event["position"]?.integer else { throw .unexpected(answerTo: "EVENTS.READ") }
                next = position + 1
                guard let viewer = viewer(of: event, at: position) else { continue }
                let name = Array(viewer.utf8)
                if case .everybody = eyes, sights[name] == nil {
                    let timeline = try await self.messages(asOf: from, .viewer(viewer)).map(\.position)
                    sights[name] = Set(timeline).union(try await assessor.unhidden(by: viewer, of: returned, at: from))
                }
                hidings.take(event, by: viewer, seen: sights[name] ?? seen)
            }
            // Of a time all is read: what was imported later may have happened earlier.
            if events.isEmpty || to.isPosition && !to.includes(next, since: .min) { return hidings }
        }
    }

    /// Of a local delete in this conversation between the moments, by whoever is asked about.
    private func viewer(of event: RESPValue, at position: Int) -> String? {
        guard event["kind"]?.string == "local-delete", event["conversation"]?.bytes.map({ $0.elementsEqual(conversation.utf8) }) == true,
            let at = event["at"]?.integer, to.includes(position, since: at), !from.includes(position, since: at),
            let viewer = event["viewer"]?.string
        else { return nil }
        if case .viewer(let own) = eyes, !own.utf8.elementsEqual(viewer.utf8) { return nil }
        return viewer
    }

    /// The whole timeline as of a moment, page after page.
    private func messages(asOf moment: LogMoment, _ eyes: Eyes) async throws(Trouble) -> [AnnalsClient.Message] {
        var found: [AnnalsClient.Message] = []
        var cursor = "-"
        while true {
            var words: [Word] = ["TIMELINE", .text(assessor.tenant), .text(conversation)]
            switch eyes {
            case .viewer(let viewer): words += ["VIEWER", .text(viewer)]
            case .everybody(let reason): words += ["REASON", .text(reason)]
            }
            words += ["AFTER", .text(cursor), "COUNT", 1000, "ASOF", .text(moment.word)]
            let page: AnnalsClient.Page
            let answer = try await client.ask(words)
            do throws(AnnalsClientError) { page = try AnnalsClient.Page(answer) } catch { throw Trouble(error) }
            found += page.messages
            guard let next = page.next else { return found }
            cursor = next.rawValue
        }
    }
}
