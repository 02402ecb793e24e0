package import AnnalsClient
package import ArgumentParser
package import Events

extension RetentionCommand {
    /// What is decided: a period, or a preset's.
    package struct DecisionOptions: ParsableArguments {
        @Argument(help: "180d, 26w, 6mo, 5y, forever, or inherit (the wider scope's).") var period: String?
        @OptionGroup var scope: ScopeOptions
        @Option(
            help: .init("Instead of a period: the period and the floor of this preset; see annals retention presets.", valueName: "name"))
        var preset: String?
        @Flag(help: "The period is a floor: the least that a message is kept, whatever the policies say.") var floor = false

        package init() {}

        package func validate() throws {
            // Elsewhere the system is what is meant when nothing is said. Here that would change everybody's policy by an omission.
            if !scope.system, scope.tenant == nil {
                throw ValidationError("Say for whom: --tenant, with or without --conversation, or --system.")
            }
            if (period == nil) == (preset == nil) { throw ValidationError("Give a period, such as 180d, or --preset with its name.") }
            if preset != nil, floor { throw ValidationError("A preset has its own floor; leave out --floor or --preset.") }
        }

        /// As the wire wants it.
        var words: [Word] {
            let decided: [Word] = preset.map { ["PRESET", .text($0)] } ?? [.text(period ?? "")]
            return scope.words + decided + (floor ? ["FLOOR"] : [])
        }
    }

    /// `annals retention set`
    package struct Set: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Decide how long a scope's messages are kept. For administrators.",
            discussion: """
                What lengthens counts at once. What shortens takes effect after a cool-off, and annals retention cancel undoes it until then. \
                annals retention preview says beforehand what it would do.
                """)

        @OptionGroup var decision: DecisionOptions
        @Flag(help: "Lock it: from then on it can only be made longer, by nobody shorter, and it cannot be unlocked.") var lock = false
        @Option(help: "Why; it stays in the log.") var reason: String
        @Option(help: .init("Since when it counts; needs the right to import.", valueName: "time")) var at: String?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            var words: [Word] = ["RETENTION.SET"] + decision.words + (lock ? ["LOCK"] : []) + ["REASON", .text(reason)]
            if let at { words += ["AT", try options.time(at, option: "at", now: now)] }
            return words
        }

        package func show(_ answer: RESPValue, in view: View) -> String { view.changed(answer, now: Zone.now()) }
    }

    /// `annals retention preview`
    package struct Preview: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show what a change would do, without making it: what would newly expire, what is held, what would be kept longer.",
            discussion: "Takes what annals retention set takes, but for --lock and the reason. For administrators.")

        @OptionGroup var decision: DecisionOptions
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["RETENTION.PREVIEW"] + decision.words }

        package func show(_ answer: RESPValue, in view: View) -> String { view.preview(answer) }
    }

    /// `annals retention cancel`
    package struct Cancel: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Undo a change that has not taken effect yet. For administrators.",
            discussion: "annals retention get shows a scope's pending changes with their positions.")

        @Argument(help: "The change's position, such as 17.") var position: String
        @Option(help: "Why; it stays in the log.") var reason: String
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            guard EventsCommand.position(position) != nil else {
                throw ValidationError("'\(position)' is no position; write 17 or '#17', as annals retention get shows it.")
            }
        }

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            ["RETENTION.CANCEL", .number(EventsCommand.position(position) ?? 0), "REASON", .text(reason)]
        }

        package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

        package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
    }
}
