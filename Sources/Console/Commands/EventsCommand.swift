package import AnnalsClient
package import ArgumentParser

/// `annals events`
package struct EventsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show the log, oldest first, and follow it. For auditors.",
        discussion:
            "Shows every event from the beginning, or from --from or --last on. With --json, one event a line. Ctrl-C ends --follow.")

    @Option(help: .init("Begin at this position.", valueName: "position")) var from: String?
    @Option(help: .init("Begin so many events before the end. Default with --follow: 10.", valueName: "n")) var last: Int?
    @Option(name: [.customShort("n"), .long], help: .init("How many at most.", valueName: "n")) var count: Int?
    @Option(help: "Only events of this tenant.") var tenant: String?
    @Flag(name: .shortAndLong, help: "Then wait for new ones and show them as they come.") var follow = false
    @OptionGroup var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if from != nil, last != nil { throw ValidationError("Give --from or --last, not both.") }
        if let from, Self.position(from) == nil { throw ValidationError("--from needs a position, such as 17 or #17.") }
        if let last, last < 0 { throw ValidationError("--last cannot be negative.") }
        if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
    }

    package func run() async throws {
        if follow { Interruption.endOnSignal() }
        let client = try await options.connect()
        var reading = EventReading(from: try await start(client), count: count, tenant: tenant, isEndless: follow)
        var table = EventView(options.view)
        var isFirst = true
        while let words = reading.request {
            let events = try await client.ask(words).array ?? []
            let text = options.json ? events.map { JSON($0).text + "\n" }.joined() : table.render(events)
            // Even without events the headings say that there are none.
            if !events.isEmpty || isFirst { try Output.standard.write(text) }
            isFirst = false
            try reading.take(events)
        }
        await client.close()
    }

    private func start(_ client: AnnalsClient) async throws(Trouble) -> Int {
        if let from { return Self.position(from) ?? 1 }
        guard let last = last ?? (follow ? Self.lastDefault : nil) else { return 1 }
        guard let end = try await client.ask(["STATS"])["position"]?.integer else { throw .unexpected(answerTo: "STATS") }
        return max(1, end - last + 1)
    }

    /// A position that was typed, with or without its #.
    static func position(_ text: String) -> Int? {
        Int(text.hasPrefix("#") ? text.dropFirst() : text[...]).flatMap { $0 > 0 ? $0 : nil }
    }

    private static let lastDefault = 10
}

/// Where a reader of the log is, and what it asks next.
package struct EventReading: Equatable, Sendable {
    private var from: Int
    private var missing: Int?
    private let tenant: String?
    private let isEndless: Bool
    /// Whether the log's end was reached, as far as it was then.
    private var isAtEnd = false

    package init(from: Int, count: Int?, tenant: String?, isEndless: Bool) {
        self.from = from
        missing = count
        self.tenant = tenant
        self.isEndless = isEndless
    }

    /// The next request, or nil when all was read that was asked for.
    package var request: [Word]? {
        if missing == 0 || isAtEnd && !isEndless { return nil }
        var words: [Word] = ["EVENTS.READ", "FROM", .number(from), "COUNT", .number(min(missing ?? Self.countMax, Self.countMax))]
        // Only at the end is there something to wait for; before it, a full page comes at once.
        if isAtEnd { words += ["BLOCK", .number(Self.blockMilliseconds)] }
        if let tenant { words += ["TENANT", .text(tenant)] }
        return words
    }

    /// Notes what came.
    package mutating func take(_ events: [RESPValue]) throws(Trouble) {
        isAtEnd = events.isEmpty
        guard let last = events.last else { return }
        guard let position = last["position"]?.integer, position >= from else { throw .unexpected(answerTo: "EVENTS.READ") }
        from = position + 1
        missing = missing.map { max(0, $0 - events.count) }
    }

    private static let countMax = 1000
    private static let blockMilliseconds = 30_000
}
