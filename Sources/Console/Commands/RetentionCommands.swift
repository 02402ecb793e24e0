package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals retention`
package struct RetentionCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "How long messages are kept: of the system, a tenant, or a conversation.",
        subcommands: [Get.self, Set.self, History.self])

    package init() {}

    /// What a policy covers.
    package struct ScopeOptions: ParsableArguments {
        @Flag(help: "The whole system.") var system = false
        @Option(help: "A company.") var tenant: String?
        @Option(help: "One conversation of the tenant.") var conversation: String?

        package init() {}

        package func validate() throws {
            if system, tenant != nil { throw ValidationError("Give --system or --tenant, not both.") }
            if conversation != nil, tenant == nil { throw ValidationError("--conversation needs its --tenant.") }
        }

        /// As the wire wants it.
        var words: [Word] {
            guard let tenant else { return ["SYSTEM"] }
            return ["TENANT", .text(tenant)] + (conversation.map { ["CONVERSATION", .text($0)] } ?? [])
        }
    }

    /// `annals retention get`
    package struct Get: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show the policy that counts for a scope, and where it comes from. Default: the system's.")

        @OptionGroup var scope: ScopeOptions
        @Option(name: .customLong("asof"), help: .init("As it was at this moment, or at #position.", valueName: "moment")) var asOf: String?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            var words: [Word] = ["RETENTION.GET"] + scope.words
            if let asOf { words += ["ASOF", .text(try options.moment(asOf, option: "asof", now: now).word)] }
            return words
        }

        package func show(_ answer: RESPValue, in view: View) -> String { view.policy(answer) }
    }

    /// `annals retention set`
    package struct Set: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Decide how long a scope's messages are kept. For administrators.")

        @Argument(help: "180d, 26w, 6mo, 5y, forever, or inherit (the wider scope's).") var period: String
        @OptionGroup var scope: ScopeOptions
        @Option(help: "Why; it stays in the log.") var reason: String
        @Option(help: .init("Since when it counts; needs the right to import.", valueName: "time")) var at: String?
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func validate() throws {
            // Elsewhere the system is what is meant when nothing is said. Here that would change everybody's policy by an omission.
            if !scope.system, scope.tenant == nil {
                throw ValidationError("Say for whom: --tenant, with or without --conversation, or --system.")
            }
        }

        package func request(now: Instant) throws(ValidationError) -> [Word] {
            var words: [Word] = ["RETENTION.SET"] + scope.words + [.text(period), "REASON", .text(reason)]
            if let at { words += ["AT", try options.time(at, option: "at", now: now)] }
            return words
        }

        package func show(_ answer: RESPValue, in view: View) -> String {
            let position = view.text(answer["position"], under: "position")
            return "\(position)  in force since \(view.text(answer["effective-at"], under: "effective-at")) (\(view.zone.name))\n"
        }
    }

    /// `annals retention history`
    package struct History: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show all changes of a scope's policy. Default: the system's.")

        @OptionGroup var scope: ScopeOptions
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["RETENTION.HISTORY"] + scope.words }

        package func show(_ answer: RESPValue, in view: View) -> String { view.policies(answer.array ?? []) }
    }
}
