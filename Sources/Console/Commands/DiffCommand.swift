import AnnalsClient
package import ArgumentParser
package import Events

/// `annals diff`
package struct DiffCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed in a conversation between two moments for a viewer: what appeared and what went, and by which event.",
        discussion: """
            Appeared is what came in, or is kept longer since. Gone is what the viewer hid, what expired, and what was destroyed. \
            For auditors, since it tells why.
            """)

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The conversation.") var conversation: String
    @Option(name: .shortAndLong, help: "Whose eyes.") var viewer: String
    @Option(name: .customLong("from"), help: .init("The earlier moment (\(Moment.forms)), or #position.", valueName: "moment"))
    var from: String
    @Option(name: .customLong("to"), help: .init("The later moment. Default: now.", valueName: "moment")) var to: String = "now"
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func run() async throws {
        let now = Zone.now()
        let (start, end) = (try options.moment(from, option: "from", now: now), try options.moment(to, option: "to", now: now))
        try Self.check(start, before: end, now: now)
        let (earlier, later) = (start.word, end.word)
        let client = try await options.connect()
        let before = try await messages(asOf: earlier, client)
        let after = try await messages(asOf: later, client)
        let (known, remaining) = (Set(before.map(\.position)), Set(after.map(\.position)))
        var changes: [TimelineChange] = []
        for message in after where !known.contains(message.position) {
            let why = try await explained(message, asOf: later, client)
            changes.append(.appeared(message, why: why, wasThere: Self.was(message, by: start)))
        }
        for message in before where !remaining.contains(message.position) {
            changes.append(.gone(message, why: try await explained(message, asOf: later, client)))
        }
        await client.close()
        changes.sort { ($0.message.at, $0.message.position) < ($1.message.at, $1.message.position) }
        let text =
            options.json
            ? changes.map { $0.json.text + "\n" }.joined() : TimelineDiffView(options.view).text(changes)
        try Output.standard.write(text)
        // An empty answer looks the same as one about a name that was mistyped.
        guard before.isEmpty, after.isEmpty else { return }
        try Output.errors.write(
            Harmless.line(
                Harmless.text("annals: \(viewer) sees no message of \(tenant) \(conversation) at either moment; are the names right?"))
                + "\n")
    }

    /// Exchanged moments would call gone what appeared; and what will have expired by then, nobody knows before.
    package static func check(_ start: Moment, before end: Moment, now: Instant) throws(ValidationError) {
        if case .time(let time) = start, time > now { throw ValidationError("--from is in the future, where nothing has happened yet.") }
        let isExchanged =
            switch (start, end) {
            case (.time(let start), .time(let end)): start > end
            case (.position(let start), .position(let end)): start > end
            // Only the daemon knows when a position was.
            case (.time, .position), (.position, .time): false
            }
        if isExchanged { throw ValidationError("--from must be the earlier moment; exchange them.") }
    }

    /// The whole timeline as of a moment, page after page.
    private func messages(asOf moment: String, _ client: AnnalsClient) async throws(Trouble) -> [AnnalsClient.Message] {
        var found: [AnnalsClient.Message] = []
        var cursor = "-"
        while true {
            let answer = try await client.ask([
                "TIMELINE", .text(tenant), .text(conversation), "VIEWER", .text(viewer), "AFTER", .text(cursor), "COUNT",
                .number(Self.pageCount), "ASOF", .text(moment),
            ])
            let page: AnnalsClient.Page
            do throws(AnnalsClientError) { page = try AnnalsClient.Page(answer) } catch { throw Trouble(error) }
            found += page.messages
            guard let next = page.next else { return found }
            cursor = next.rawValue
        }
    }

    /// Whether it had been sent. Asked of the message itself: its id may have meant another one then.
    private static func was(_ message: AnnalsClient.Message, by moment: Moment) -> Bool {
        switch moment {
        case .time(let time): message.at.rawValue <= Int(time.milliseconds)
        case .position(let position): message.position.rawValue <= Int(clamping: position)
        }
    }

    /// Null where its id means another message by then.
    private func explained(
        _ message: AnnalsClient.Message, asOf moment: String, _ client: AnnalsClient
    ) async throws(Trouble) -> RESPValue {
        let answer = try await client.ask([
            "MESSAGE.GET", .text(tenant), .text(message.id), "VIEWER", .text(viewer), "ASOF", .text(moment), "EXPLAIN",
        ])
        return answer["position"]?.integer == message.position.rawValue ? answer : .null
    }

    private static let pageCount = 1000
}
