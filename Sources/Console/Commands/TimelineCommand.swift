package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals timeline`
package struct TimelineCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "timeline",
        abstract: "Show a conversation as one viewer sees it, now or in the past.",
        discussion: """
            Shows the newest messages; the last line says how to go on. With --all --json, one message a line. \
            Auditors may give a --reason instead of a viewer, and are shown all that there is; or with a viewer and --asof, and are shown \
            what that viewer could read then and cannot read any more. Each page is recorded first, with who read it and why.
            """)

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The conversation.") var conversation: String
    @Option(name: .shortAndLong, help: "Whose eyes.") var viewer: String?
    @Option(help: .init("Why an auditor looks; shows what is hidden or expired, too.", valueName: "text")) var reason: String?
    @Option(help: .init("Messages before this cursor; + is the end.", valueName: "cursor")) var before: String?
    @Option(help: .init("Messages after this cursor; - is the beginning.", valueName: "cursor")) var after: String?
    @Option(name: [.customShort("n"), .long], help: .init("How many at most, up to 1000. Default: 50.", valueName: "n")) var count: Int?
    @Option(name: .customLong("asof"), help: .init("As it was at this moment (\(Moment.forms)), or at #position.", valueName: "moment"))
    var asOf: String?
    @Flag(help: "All messages, from the oldest or from --after on, page after page.") var all = false
    @Flag(help: "Show the messages' ids, too.") var ids = false
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if viewer == nil, reason == nil { throw ValidationError("Whose eyes? Give --viewer; or, as an auditor, --reason instead.") }
        if viewer != nil, reason != nil, asOf == nil {
            throw ValidationError("--viewer and --reason go together as of a moment only: give --asof, or leave one of them out.")
        }
        if before != nil, after != nil || all { throw ValidationError("--before goes neither with --after nor with --all.") }
        if let count, !(1...1000).contains(count) { throw ValidationError("--count must be from 1 to 1000.") }
    }

    package func request(now: Instant) throws(ValidationError) -> [Word] {
        var words: [Word] = ["TIMELINE", .text(tenant), .text(conversation)]
        if let viewer { words += ["VIEWER", .text(viewer)] }
        if let reason { words += ["REASON", .text(reason)] }
        if let before { words += ["BEFORE", .text(before)] }
        if let after = after ?? (all ? "-" : nil) { words += ["AFTER", .text(after)] }
        if let count = count ?? (all ? Self.countOfAll : nil) { words += ["COUNT", .number(count)] }
        if let asOf { words += ["ASOF", .text(try options.moment(asOf, option: "asof", now: now).word)] }
        return words
    }

    package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
        let page = try Self.page(answer)
        var table = TimelineView(view, showsIDs: ids, showsStates: viewer == nil)
        return table.render(page.messages) + table.footer(page)
    }

    package func run() async throws {
        let words = try request(now: Zone.now())
        if all { try await showAll(words) } else { try await answer(to: words) }
    }

    /// Pages are shown as they come: a conversation may be longer than the memory.
    private func showAll(_ first: [Word]) async throws(Trouble) {
        let client = try await options.connect()
        var table = TimelineView(options.view, showsIDs: ids, showsStates: viewer == nil)
        var words = first
        while true {
            let answer = try await client.ask(words)
            let page = try Self.page(answer)
            if options.json {
                try Output.standard.write((answer["messages"]?.array ?? []).map { JSON($0).text + "\n" }.joined())
            } else {
                try Output.standard.write(table.render(page.messages))
            }
            guard let next = page.next, let place = words.firstIndex(of: "AFTER") else { break }
            words[place + 1] = .text(next.rawValue)
        }
        await client.close()
    }

    private static func page(_ answer: RESPValue) throws(Trouble) -> AnnalsClient.Page {
        do throws(AnnalsClientError) {
            return try AnnalsClient.Page(answer)
        } catch {
            throw Trouble(error)
        }
    }

    private static let countOfAll = 500
}
