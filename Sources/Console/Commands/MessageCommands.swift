package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals message`
package struct MessageCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "message",
        abstract: "Show one message: its state, when it expires, and its body if it may be read.")

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The message's id.") var id: String
    @Option(name: .shortAndLong, help: "As this viewer sees it.") var viewer: String?
    @Option(name: .customLong("asof"), help: .init("As it was at this moment, or at #position.", valueName: "moment")) var asOf: String?
    @Option(help: .init("Why an auditor looks; with --asof, shows a body that could be read then and cannot now.", valueName: "text"))
    var reason: String?
    @Flag(help: "Say why it expires when it does: which policy, which floor, which holds.") var explain = false
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if reason != nil, asOf == nil {
            throw ValidationError("--reason goes with --asof; 'annals history' shows a message as it is now, whatever its state.")
        }
    }

    package func request(now: Instant) throws(ValidationError) -> [Word] {
        var words: [Word] = ["MESSAGE.GET", .text(tenant), .text(id)]
        if let viewer { words += ["VIEWER", .text(viewer)] }
        if let asOf { words += ["ASOF", .text(try options.moment(asOf, option: "asof", now: now).word)] }
        if let reason { words += ["REASON", .text(reason)] }
        return explain ? words + ["EXPLAIN"] : words
    }

    package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
        let message = try Self.message(answer, id: id)
        guard explain else { return view.card(message) }
        guard let why = answer["why"], !why.isNull else { throw .unexpected(answerTo: "MESSAGE.GET") }
        return view.card(message) + "\n" + view.explanation(why, of: message)
    }

    package func json(_ answer: RESPValue) throws(Trouble) -> JSON {
        if answer.isNull { throw Self.unknown(id) }
        return JSON(answer)
    }

    /// The message of an answer.
    static func message(_ answer: RESPValue, id: String) throws(Trouble) -> AnnalsClient.Message {
        if answer.isNull { throw unknown(id) }
        do throws(AnnalsClientError) {
            return try AnnalsClient.Message(answer)
        } catch {
            throw Trouble(error)
        }
    }

    static func unknown(_ id: String, hint: String = " at that moment; check both, and --asof") -> Trouble {
        Trouble(.refused, "there is no message '\(Harmless.line(Harmless.text(id)))' in this tenant\(hint)")
    }
}

/// `annals history`
package struct HistoryCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show one message in full, and every event that touched it. For auditors; the log says who read it, and why.")

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The message's id.") var id: String
    @Option(help: "Why it is read; it stays in the log.") var reason: String
    @Option(
        help: .init(
            "A folder for proofs: of each event its record, and that it is in the log (c2sp.org/tlog-proof). Made if it is not there.",
            valueName: "folder"))
    var proofs: String?
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func run() async throws {
        let client = try await options.connect()
        let answer = try await client.ask(request(now: Zone.now()))
        if let proofs { try await EventProofs(folder: proofs).write(of: answer["events"]?.array ?? [], client) }
        try Output.standard.write(options.json ? try json(answer).text + "\n" : try show(answer, in: options.view))
        await client.close()
    }

    package func request(now: Instant) -> [Word] { ["MESSAGE.HISTORY", .text(tenant), .text(id), "REASON", .text(reason)] }

    package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
        if answer.isNull { throw MessageCommand.unknown(id, hint: "; check both") }
        guard let message = answer["message"], let events = answer["events"]?.array else {
            throw .unexpected(answerTo: "MESSAGE.HISTORY")
        }
        var table = EventView(view)
        return view.card(try MessageCommand.message(message, id: id)) + "\n" + table.render(events)
    }

    package func json(_ answer: RESPValue) throws(Trouble) -> JSON {
        if answer.isNull { throw MessageCommand.unknown(id, hint: "; check both") }
        return JSON(answer)
    }
}
