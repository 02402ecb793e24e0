import AnnalsClient
package import ArgumentParser

/// `annals import`
package struct ImportCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Append what a file of JSON lines holds, plain or gzip, with the times of its lines.",
        discussion: """
            Each line is an object with "type" and these fields; times are ms since 1970:
              send: tenant, conversation, sender, message_id, sent_at, body
              local-delete: tenant, conversation, viewer, message_id, at
              retention-change: tenant, conversation, period, at, reason
            A retention-change without conversation is the tenant's; the system's has no tenant but "scope": "system". \
            With "floor": true it is a least period rather than a policy, and with "lock": true it can afterwards only be made longer.

            Importing the same again appends nothing, so an import that was interrupted is simply run again.
            Lines are taken in their order; a refused one is counted by its reason and the others go on. It ends with 0 unless --strict.
            Needs the right to import, and for retention-change the right to administer.
            """)

    @Argument(help: "The file; - is standard input.", completion: .file()) var file: String
    @Option(
        help: .init("Keep each refused line here, as JSON lines: {\"reason\",\"line\",\"detail\",\"input\"}.", valueName: "file"),
        completion: .file())
    var rejects: String?
    @Flag(help: "End with 6 if any line was refused.") var strict = false
    @Flag(help: "Send nothing: count as accepted what would be sent.") var dryRun = false
    @OptionGroup var options: GlobalOptions

    package init() {}

    package func run() async throws {
        Interruption.beginNoting()
        let source = try ByteSource(path: file)
        if let rejects, source.isFile(at: rejects) {
            throw ValidationError("--rejects would overwrite the file that is imported; give another one.")
        }
        let reader = try LineReader(source, isStopped: { Interruption.isAsked })
        let client = dryRun ? nil : try await options.connect()
        let importer = Importer(
            reader, client: client, rejects: try rejects.map { path throws(Trouble) in try Rejects(path: path) },
            isStopped: { Interruption.isAsked })
        var progress = ProgressLine(isShown: !options.json)
        let ending = await importer.run { consumed, size, tally in
            progress.draw(ProgressBar(consumed: consumed, size: size, lines: tally.lines, seconds: progress.seconds))
        }
        progress.clear()
        await client?.close()
        let seconds = progress.seconds
        try Output.standard.write(options.json ? ending.tally.json(seconds: seconds).text + "\n" : ending.tally.summary(seconds: seconds))
        if let trouble = Self.trouble(of: ending, isStrict: strict) { throw trouble }
    }

    /// What there is to complain about at the end.
    package static func trouble(of ending: Importer.Ending, isStrict: Bool) -> Trouble? {
        let tally = ending.tally
        if let trouble = ending.trouble {
            let confirmed = "\(Figures.lines(tally.confirmed)) confirmed"
            // Where the daemon said no, running it again would not help.
            let advice = trouble.status == .refused ? "" : ", running the same import again goes on"
            return Trouble(trouble.status, "\(trouble.sentence) (\(confirmed)\(advice))")
        }
        guard isStrict, tally.refusedCount > 0 else { return nil }
        return Trouble(.incomplete, "\(Figures.lines(tally.refusedCount)) refused; --rejects FILE keeps them with their reasons")
    }
}
