import AnnalsClient
package import ArgumentParser
package import Events

/// `annals diff`
package struct DiffCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed in a conversation between two moments: what appeared and what went, and by which event.",
        discussion: """
            For a viewer: what he sees only now, and what he sees no more. Without one, with a --reason that the log keeps: what became of \
            every message, and who hid it. Appeared is what came in; kept longer, what had expired and is there again. Gone is what a viewer \
            hid, what expired, and what was destroyed. For auditors, since it tells why.
            """)

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The conversation.") var conversation: String
    @Option(name: .shortAndLong, help: "Whose eyes.") var viewer: String?
    @Option(help: .init("Why an auditor looks at all of it.", valueName: "text")) var reason: String?
    @Option(name: .customLong("from"), help: .init("The earlier moment (\(Moment.forms)), or #position.", valueName: "moment"))
    var from: String
    @Option(name: .customLong("to"), help: .init("The later moment.", valueName: "moment")) var to: String = "now"
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if viewer == nil, reason == nil { throw ValidationError("Whose eyes? Give --viewer; or, as an auditor, --reason instead.") }
        if viewer != nil, reason != nil { throw ValidationError("--viewer and --reason do not go together; leave one of them out.") }
    }

    package func run() async throws {
        let now = Zone.now()
        let (start, end) = (try options.moment(from, option: "from", now: now), try options.moment(to, option: "to", now: now))
        try Self.check(start, before: end, now: now)
        let client = try await options.connect()
        let (earlier, later) = (try await LogMoment(start, client), try await LogMoment(end, client))
        // Beyond the log's end; the daemon says so.
        if earlier.time != .max, earlier.time > later.time { throw Self.exchanged }
        let eyes = viewer.map(TimelineDiff.Eyes.viewer) ?? .everybody(reason: reason ?? "")
        let outcome = try await TimelineDiff(tenant, conversation, eyes, from: earlier, to: later, client).run()
        await client.close()
        let text =
            options.json
            ? outcome.changes.map { $0.json.text + "\n" }.joined() : TimelineDiffView(options.view).text(outcome.changes)
        try Output.standard.write(text)
        // An empty answer looks the same as one about a name that was mistyped.
        guard outcome.isEmpty else { return }
        let nobody = viewer.map { "\($0) sees no message of" } ?? "there is no message of"
        try Output.errors.write(
            Harmless.line(Harmless.text("annals: \(nobody) \(tenant) \(conversation) at either moment; are the names right?")) + "\n")
    }

    /// Exchanged moments would call gone what appeared; and what will have expired by then, nobody knows before. Of a time and a position only
    /// the daemon knows which is the earlier.
    package static func check(_ start: Moment, before end: Moment, now: Instant) throws(ValidationError) {
        if case .time(let time) = start, time > now { throw ValidationError("--from is in the future, where nothing has happened yet.") }
        let isExchanged =
            switch (start, end) {
            case (.time(let start), .time(let end)): start > end
            case (.position(let start), .position(let end)): start > end
            case (.time, .position), (.position, .time): false
            }
        if isExchanged { throw exchanged }
    }

    private static var exchanged: ValidationError { ValidationError("--from must be the earlier moment; exchange them.") }
}
