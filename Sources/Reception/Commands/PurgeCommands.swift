import Archive
import Events
import RESP

/// `PURGE.PLAN [scope…] [BEFORE time | ALL]`
struct PurgePlanCommand: Sendable {
    let coverage: Coverage
    /// Nil: of everything up to now.
    let basis: PurgeBasis?

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        var options = Options<CoverageOption>(of: "PURGE.PLAN", words, from: 1)
        var coverage = CoverageWords()
        var before: Instant?
        var isAll = false
        while let option = try options.next(words) {
            if try coverage.take(option, &options, words) { continue }
            switch option {
            case .before: before = try words.time(try options.value(of: option, words), "BEFORE")
            case .all: isAll = true
            default: throw option.unknown(to: "PURGE.PLAN")
            }
        }
        if isAll, before != nil { throw Refusal(.badArgument, "BEFORE and ALL exclude each other; give one of them") }
        if isAll || before != nil, !coverage.isGiven {
            throw Refusal(.badArgument, "a purge of what has not expired needs a scope: SYSTEM, or TENANT with a name")
        }
        self.coverage = try coverage.coverage()
        basis = isAll ? nil : before.map(PurgeBasis.before) ?? .expired
    }
}

/// `PURGE.RUN plan CONFIRM count`
struct PurgeRunCommand: Sendable {
    let plan: String
    let count: UInt64

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        guard words.matches(2, "CONFIRM") else { throw Refusal(.badArgument, Command.purgeRun.card.complaint) }
        plan = words.text(1) ?? ""
        count = try words.number(3, "CONFIRM", 0...Decimal.positionMax)
    }
}

/// `COMPACT partition | ALL [MINGAIN percent]`
struct CompactCommand: Sendable {
    /// Nil: all of them.
    let partition: String?
    let minGainPercent: Int

    static let minGainDefault = 5

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        partition = words.matches(1, "ALL") ? nil : words.text(1) ?? ""
        guard words.count > 2 else {
            minGainPercent = Self.minGainDefault
            return
        }
        guard words.count == 4, words.matches(2, "MINGAIN") else { throw Refusal(.badArgument, Command.compact.card.complaint) }
        minGainPercent = Int(try words.number(3, "MINGAIN", 0...100))
    }
}

/// `HOLD.LIST [ALL] [ASOF when]`
struct HoldListCommand: Sendable {
    var withReleased = false
    var asOf = AsOf.now

    init(_ words: borrowing CommandArguments) throws(Refusal) {
        var index = 1
        if index < words.count, words.matches(index, "ALL") {
            withReleased = true
            index += 1
        }
        guard index < words.count else { return }
        guard words.matches(index, "ASOF"), index + 2 == words.count else { throw Refusal(.badArgument, Command.holdList.card.complaint) }
        asOf = try words.moment(index + 1)
    }
}

/// `PURGE.LIST [COUNT n]`
enum PurgeListCommand {
    static let countDefault = 20
    static let countMax = 10_000

    static func count(_ words: borrowing CommandArguments) throws(Refusal) -> Int {
        if words.count == 1 { return countDefault }
        guard words.count == 3, words.matches(1, "COUNT") else { throw Refusal(.badArgument, Command.purgeList.card.complaint) }
        return try words.pageCount(2, max: countMax)
    }
}
