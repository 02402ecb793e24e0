package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals send`
package struct SendCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Append a message, and print its position.",
        discussion: "Without BODY, or with -, the body is standard input, byte for byte.")

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The conversation.") var conversation: String
    @Argument(help: "The message's text.") var body: String?
    @Option(name: .shortAndLong, help: "Who sends it.") var sender: String
    @Option(
        help: .init("Its id, unique in the tenant. Sending the same again appends nothing. Default: the daemon makes one.", valueName: "id")
    )
    var id: String?
    @Option(help: .init("The body's media type. Default: plain text.", valueName: "mime")) var type: String?
    @Option(help: .init("The sender's own clock, for information.", valueName: "time")) var clientTime: String?
    @Option(
        help: .init("Append only if the conversation's last event has this position; none: if it has no event.", valueName: "position|none")
    )
    var expect: String?
    @Option(help: .init("When it was sent; needs the right to import.", valueName: "time")) var at: String?
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func request(now: Instant) throws(ValidationError) -> [Word] {
        try request(body: .text(body ?? ""), now: now)
    }

    private func request(body: Word, now: Instant) throws(ValidationError) -> [Word] {
        var words: [Word] = ["SEND", .text(tenant), .text(conversation), .text(sender), .text(id ?? "*"), body]
        if let type { words += ["TYPE", .text(type)] }
        if let clientTime { words += ["CLIENTTIME", try options.time(clientTime, option: "client-time", now: now)] }
        if let expect { words += ["EXPECT", .text(expect.hasPrefix("#") ? String(expect.dropFirst()) : expect)] }
        if let at { words += ["AT", try options.time(at, option: "at", now: now)] }
        return words
    }

    package func run() async throws {
        // What was typed is checked before anybody is made to type a body.
        var words = try request(now: Zone.now())
        if body == nil || body == "-" {
            words = try request(body: .bytes(try ByteSource.all(of: "-", bytesMax: Self.bodyBytesMax)), now: Zone.now())
        }
        try await answer(to: words)
    }

    package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

    package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }

    // The daemon has its own, smaller limit; this one only keeps a mistaken `< /dev/zero` from filling the memory.
    private static let bodyBytesMax = 16 << 20
}

/// `annals delete`
package struct DeleteCommand: Question {
    package static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Hide messages from one viewer. Everyone else still sees them.")

    @Argument(help: "The company.") var tenant: String
    @Argument(help: "The conversation.") var conversation: String
    @Argument(help: "The messages' ids.") var id: [String] = []
    @Option(name: .shortAndLong, help: "From whom they are hidden.") var viewer: String
    @Option(help: .init("Instead of ids: everything up to this position (clear the history).", valueName: "position"))
    var upTo: String?
    @Option(help: .init("When it was deleted; needs the right to import.", valueName: "time")) var at: String?
    @OptionGroup package var options: GlobalOptions

    package init() {}

    package func validate() throws {
        if id.isEmpty == (upTo == nil) { throw ValidationError("Name the messages by their ids, or give --up-to with a position.") }
    }

    package func request(now: Instant) throws(ValidationError) -> [Word] {
        var words: [Word] = ["LOCALDELETE", .text(tenant), .text(conversation), .text(viewer)]
        if let upTo {
            words += ["UPTO", .text(upTo.hasPrefix("#") ? String(upTo.dropFirst()) : upTo)]
        } else {
            words += ["ID"] + id.map { .text($0) }
        }
        if let at { words += ["AT", try options.time(at, option: "at", now: now)] }
        return words
    }

    package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

    package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
}

extension View {
    /// An append's position, alone on its line so that a script can take it.
    func appended(_ answer: RESPValue) -> String { text(answer, under: "position") + "\n" }
}
