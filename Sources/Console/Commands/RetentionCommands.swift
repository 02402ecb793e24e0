package import AnnalsClient
package import ArgumentParser
package import Events

/// `annals retention`
package struct RetentionCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "How long messages are kept: of the system, a tenant, or a conversation.",
        subcommands: [Get.self, Set.self, Preview.self, Cancel.self, History.self, Presets.self])

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
            abstract:
                "Show the policy and the floor that count for a scope, where they come from, and what is pending. Default: the system's.")

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

    /// `annals retention presets`
    package struct Presets: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show the presets that a new tenant can be given by name.",
            discussion: "They are starting points that the daemon's configuration may change. They are not legal advice.")

        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["RETENTION.PRESETS"] }

        package func show(_ answer: RESPValue, in view: View) -> String { view.presets(answer.array ?? []) }
    }

    /// `annals retention history`
    package struct History: Question {
        package static let configuration = CommandConfiguration(
            abstract: "Show all changes of a scope's policy or floor, and what took one back. Default: the system's.")

        @OptionGroup var scope: ScopeOptions
        @OptionGroup package var options: GlobalOptions

        package init() {}

        package func request(now: Instant) -> [Word] { ["RETENTION.HISTORY"] + scope.words }

        package func show(_ answer: RESPValue, in view: View) -> String { view.policies(answer.array ?? []) }
    }
}
