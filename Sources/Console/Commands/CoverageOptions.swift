import AnnalsClient
import ArgumentParser
import Events

/// Which messages are meant, by a hold or by a purge: those that every given option covers.
struct CoverageOptions: ParsableArguments {
    @Flag(help: "The whole system.") var system = false
    @Option(help: "A company.") var tenant: String?
    @Option(help: "One conversation of the tenant.") var conversation: String?
    @Option(help: "Only what this sender sent.") var sender: String?
    @Option(help: .init("Only what was sent at this time or later (\(Moment.forms)).", valueName: "time")) var from: String?
    @Option(help: .init("Only what was sent before this time.", valueName: "time")) var until: String?

    init() {}

    func validate() throws {
        if system, tenant != nil { throw ValidationError("Give --system or --tenant, not both.") }
        if conversation != nil, tenant == nil { throw ValidationError("--conversation needs its --tenant.") }
    }

    /// Whether it was said for whom; a forgotten --tenant must not mean everybody.
    var isScoped: Bool { system || tenant != nil }

    /// As the wire wants it; nothing at all where nothing was given.
    func words(_ options: GlobalOptions, now: Instant) throws(ValidationError) -> [Word] {
        var parts: [Word] = conversation.map { ["CONVERSATION", .text($0)] } ?? []
        if let sender { parts += ["SENDER", .text(sender)] }
        if let from { parts += ["FROM", try options.time(from, option: "from", now: now)] }
        if let until { parts += ["UNTIL", try options.time(until, option: "until", now: now)] }
        if let tenant { return ["TENANT", .text(tenant)] + parts }
        return system || !parts.isEmpty ? ["SYSTEM"] + parts : []
    }
}
