package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals purge`
package struct PurgeCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Destroy what may no longer be kept: plan it, run it, look after it. For administrators.",
        discussion: """
            The daemon purges by itself, daily and when something has been expired for too long. By hand: annals purge plan shows what would be \
            destroyed and prints the command that does it. Nothing is destroyed against a hold, a floor or a lock.
            """,
        subcommands: [Plan.self, Run.self, Status.self, List.self, ConfirmClock.self])

    package init() {}

    /// `annals purge plan`
    package struct Plan: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show what a purge would destroy and what it would keep, and why. Destroys nothing.",
            discussion: """
                Without --before or --all, plans what has expired, everywhere or in what the options cover. \
                With them it also plans what has not: to take a tenant off, annals purge plan --tenant T --all. For administrators.
                """)

        @OptionGroup var coverage: CoverageOptions
        @Option(help: .init("Also what has not expired, if it was sent before this time.", valueName: "time")) var before: String?
        @Flag(help: "Also what has not expired, whenever it was sent.") var all = false
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            if before != nil, all { throw ValidationError("Give --before or --all, not both.") }
            if before != nil || all, !coverage.isScoped {
                throw ValidationError("Say whose messages shall go before their time: --tenant, or --system for everybody's.")
            }
        }

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            var words: [Word] = try ["PURGE.PLAN"] + coverage.words(options, now: now)
            if let before { words += ["BEFORE", try options.time(before, option: "before", now: now)] }
            return all ? words + ["ALL"] : words
        }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let plan = answer["plan"]?.string, let count = answer["messages"]?.integer else {
                throw .unexpected(answerTo: "PURGE.PLAN")
            }
            let run = "annals purge run \(Harmless.line(Harmless.text(plan)).shellWord) --confirm \(count)\(options.retyped)"
            return view.plan(answer) + (count == 0 ? "\nNothing is to be destroyed.\n" : "\nTo destroy this:\n    \(run)\n")
        }
    }

    /// `annals purge run`
    package struct Run: LongQuestion {
        package static let configuration = CommandConfiguration(
            abstract: "Destroy what a plan says, for good, and print the receipt's position. For administrators.",
            discussion: """
                Returns when the keys are destroyed. If anything has changed since the plan, nothing is destroyed: plan again. \
                What has begun the daemon finishes, even if this command is ended.
                """)

        @Argument(help: "The plan's id, from annals purge plan.") var plan: String
        @Option(help: .init("How many messages the plan destroys; nothing happens unless it is exactly this.", valueName: "n"))
        var confirm: Int
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            if confirm < 0 { throw ValidationError("--confirm is the plan's number of messages; it cannot be negative.") }
        }

        package func request(now: Instant) -> [Word] { ["PURGE.RUN", .text(plan), "CONFIRM", .number(confirm)] }

        package var afterwards: String { "annals purge list" }

        package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

        package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
    }

    /// `annals purge status`
    package struct Status: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show what the daemon is destroying or compacting, what waits, and whether it trusts its clock.")

        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["PURGE.STATUS"] }

        package func show(_ answer: RESPValue, in view: View) -> String { view.purgeStatus(answer) }
    }

    /// `annals purge list`
    package struct List: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show the purges' receipts, the newest first: what each destroyed, for whom, and who asked for it.")

        @Option(name: [.customShort("n"), .long], help: .init("How many at most.", valueName: "n")) var count: Int?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
        }

        package func request(now: Instant) -> [Word] { ["PURGE.LIST"] + (count.map { ["COUNT", .number($0)] } ?? []) }

        package func show(_ answer: RESPValue, in view: View) throws(Trouble) -> String {
            guard let receipts = answer.array else { throw .unexpected(answerTo: "PURGE.LIST") }
            return view.receipts(receipts)
        }
    }

    /// `annals purge confirm-clock`
    package struct ConfirmClock: Question {
        package static let configuration = CommandConfiguration(
            commandName: "confirm-clock",
            abstract: "Say that the machine's clock is right, so that purging goes on. For administrators.",
            discussion: """
                The daemon stops purging when its clocks disagree, because a wrong clock would destroy too early. \
                Compare the time with another source first: annals purge status says what is doubted.
                """)

        @Option(help: "How you know; it stays in the log.") var reason: String
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["CLOCK.CONFIRM", "REASON", .text(reason)] }

        package func show(_ answer: RESPValue, in view: View) -> String { view.appended(answer) }

        package func json(_ answer: RESPValue) -> JSON { .object([.init("position", JSON(answer))]) }
    }
}
