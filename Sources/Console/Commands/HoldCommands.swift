package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals hold`
package struct HoldCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Legal holds: what they cover is not destroyed while they stand.",
        discussion: """
            A hold changes nothing for viewers: what has expired stays hidden from them. Auditors can still read it, and no purge destroys it.
            """,
        subcommands: [Place.self, Release.self, List.self])

    package init() {}

    /// `annals hold place`
    package struct Place: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Place a hold, and print the position from which it binds. For administrators.",
            discussion:
                "Covers the messages, also future ones, that all of the given options cover. Placing the same again changes nothing.")

        @Argument(help: "A name for the hold; each is used once.") var id: String
        @OptionGroup var coverage: CoverageOptions
        @Option(help: "The case that it is for, such as a docket number.") var matter: String
        @Option(help: "Why; it stays in the log.") var reason: String
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            guard coverage.isScoped else {
                throw ValidationError(
                    "Say what is held: --tenant, with or without --conversation, --sender, --from and --until, or --system.")
            }
        }

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            try ["HOLD.PLACE", .text(id)] + coverage.words(options, now: now) + ["MATTER", .text(matter), "REASON", .text(reason)]
        }

        package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

        package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
    }

    /// `annals hold release`
    package struct Release: Question {
        package static let configuration = CommandConfiguration(
            abstract: "End a hold, and print the position from which it no longer binds. For administrators.",
            discussion: "What it kept past its time is destroyed by the next purge, unless another hold covers it.")

        @Argument(help: "The hold's name.") var id: String
        @Option(help: "Why; it stays in the log.") var reason: String
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["HOLD.RELEASE", .text(id), "REASON", .text(reason)] }

        package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

        package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
    }

    /// `annals hold list`
    package struct List: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show the holds that stand: what they cover, for which matter, since when, and who placed them.")

        @Flag(help: "Released ones, too.") var all = false
        @Option(name: .customLong("asof"), help: .init("As it was at this moment, or at #position.", valueName: "moment")) var asOf: String?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            var words: [Word] = ["HOLD.LIST"] + (all ? ["ALL"] : [])
            if let asOf { words += ["ASOF", .text(try options.moment(asOf, option: "asof", now: now).word)] }
            return words
        }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let holds = answer.array else { throw .unexpected(answerTo: "HOLD.LIST") }
            return view.holds(holds, showsReleases: all)
        }
    }
}
