import AnnalsClient
import Events

/// A moment that a question is asked as of, and what the log says of it: what it includes, and what came behind it.
struct LogMoment {
    let moment: Moment
    /// Milliseconds since 1970: of a position, when its event came in.
    let time: Int

    /// The words of `ASOF`.
    var word: String { moment.word }

    /// Asks the daemon when a position was.
    init(_ moment: Moment, _ client: AnnalsClient) async throws(Trouble) {
        self.moment = moment
        switch moment {
        case .time(let time): self.time = Int(time.milliseconds)
        case .position(let position):
            let event = try await Self.event(atOrAfter: Int(clamping: position), client)
            // Of one that is not there, any question as of it says so.
            time = event.map(Self.time) ?? .min
        }
    }

    /// Whether an event at a position, which counts from a time on, belongs to what was known by then.
    func includes(_ position: Int, since time: Int) -> Bool {
        switch moment {
        case .time: time <= self.time
        case .position(let last): position <= Int(clamping: last) && time <= self.time
        }
    }

    func includes(_ message: AnnalsClient.Message) -> Bool { includes(message.position.rawValue, since: message.at.rawValue) }

    /// Whether the event at a position had happened. Only for a time the daemon is asked.
    func includes(_ position: Int, _ client: AnnalsClient) async throws(Trouble) -> Bool {
        if case .position(let last) = moment { return position <= Int(clamping: last) }
        guard let event = try await Self.event(atOrAfter: position, client) else { return false }
        return event["at"]?.integer ?? .max <= time
    }

    /// The first position that is not included, or where to look for it; nil behind the log's end.
    func firstBeyond(_ client: AnnalsClient) async throws(Trouble) -> Int? {
        if case .position(let position) = moment { return Int(clamping: position) + 1 }
        guard let position = try await client.ask(["STATS"])["position"]?.integer else { throw .unexpected(answerTo: "STATS") }
        var (low, high) = (1, position + 1)
        while low < high {
            let middle = (low + high) / 2
            if let event = try await Self.event(atOrAfter: middle, client), Self.time(of: event) <= time {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low <= position ? low : nil
    }

    /// When the server took an event in.
    static func time(of event: RESPValue) -> Int { (event["recorded"] ?? event["at"])?.integer ?? .min }

    /// The event at a position, or the next one that has not left the log; nil beyond the end.
    static func event(atOrAfter position: Int, _ client: AnnalsClient) async throws(Trouble) -> RESPValue? {
        try await client.ask(["EVENTS.READ", "FROM", .number(max(1, position)), "COUNT", 1]).array?.first
    }
}
