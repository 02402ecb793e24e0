import Events
import Ledger
import Projections
import Synchronization
import TestSupport
import Testing

@testable import Archive

/// An archive that many histories share, each with tenants of its own, beside the model that knows what must become of them.
final class PurgeWorld {
    var random: SeededRandom
    let scratch: Scratch
    var model: PurgeModel
    let tenants: [String]
    /// Where the wall clock is ahead of the one that nobody sets, and how often the machine was started.
    let skew = TestSkew()
    /// By position, when the server heard of it.
    var recorded: [Int] = [0]
    var positionsOfRules: [Int] = []
    /// By position, what the log must say of a retention change.
    var decided: [Int: ModelRules.Change] = [:]
    var isPurging = true
    /// What was done, for whoever reads of a failure.
    var diary: [(tenant: String, line: String)] = []
    let lag: Int
    var coolOff: Int { didSet { coolOffLeast = min(coolOff, coolOffLeast) } }
    private(set) var coolOffLeast: Int
    let mayCrashUnfolded: Bool
    /// Those of which the log has no receipt yet.
    var intents: [Position: PurgeIntent] = [:]
    /// Those that something else than a rule may have kept from being carried out.
    var hindered: Set<Position> = []
    /// As far as deeds were answered.
    var answered = 0
    /// A batch of which nobody knows whether it is in the log, until the next start shows it.
    var doubt: Doubt?
    /// Whether something else than the archive is to blame for what goes wrong at the moment: a disk that fails.
    var isExcused: () -> Bool = { false }
    /// Whether it was so since the last start.
    var wasExcused = false
    /// Told what is wrong.
    var report: (String) -> Void = { text in Issue.record("\(text)") }

    static let names = (conversations: ["c", "d"], people: ["ann", "bob"], ids: ["m1", "m2", "m3", "m4"])

    struct Wrong: Error {}
    struct Excused: Error {}

    /// - Parameter prepare: is told of the options before the archive is opened.
    init(seed: UInt64, histories: Int, prepare: (inout ArchiveOptions) throws -> Void = { _ in }) throws {
        var random = SeededRandom(seed: seed)
        let lag = Int64([6, 24, 72].randomElement(using: &random) ?? 24) * 3_600_000
        let coolOff = Int64([0, 1, 7, 7, 40].randomElement(using: &random) ?? 7) * Instant.millisecondsPerDay
        let length: PartitionLength = [.hour, .day, .day, .week].randomElement(using: &random) ?? .day
        let fold = [1, 100_000, 200].randomElement(using: &random) ?? 200
        let slice = [1, 3, 2_000].randomElement(using: &random) ?? 2_000
        let minute = Int.random(in: 0..<1440, using: &random)
        let skew = skew
        scratch = try Scratch(inMemory: true) {
            $0.partitionLength = length
            $0.coolOffMilliseconds = coolOff
            $0.foldMilliseconds = fold
            $0.purge.lagMilliseconds = lag
            $0.purge.sliceBodies = slice
            $0.purge.dailyMinute = minute
            $0.purge.compactionBytesPerSecond = 0
            $0.steadyClock = { skew.reading(of: $0) }
            try prepare(&$0)
        }
        scratch.lendAppender()
        model = PurgeModel(partitionLength: length == .hour ? 3_600_000 : length == .day ? Calendar.day : 7 * Calendar.day)
        // The name of every third begins with that of another.
        tenants = (0..<histories).map { $0 % 3 == 2 ? "h\($0 - 1)x" : "h\($0)" }
        (self.lag, self.coolOff, coolOffLeast, mayCrashUnfolded) = (Int(lag), Int(coolOff), Int(coolOff), fold == 100_000)
        self.random = random
    }

    var clock: Int { Int(scratch.clock.now.milliseconds) }
    /// The server's time: it never falls behind what it wrote.
    var now: Int { max(clock, recorded.last ?? 0) }
    var end: Int { recorded.count - 1 }
    var present: PurgeModel.Moment { .init(position: end, time: now) }

    func pick<Element>(_ all: [Element]) -> Element { all[Int.random(in: all.indices, using: &random)] }
    func maybe<Element>(_ one: Int, in all: Int, _ value: @autoclosure () -> Element) -> Element? {
        random.chance(of: one, in: all) ? value() : nil
    }

    func note(_ tenant: String, _ line: String) { diary.append((tenant, "[\(end + 1) \(Instant(milliseconds: Int64(clock)))] \(line)")) }

    /// Says what is wrong with a tenant's messages, and how it came to that.
    func fail(_ tenant: String, _ what: String) -> any Error {
        if isExcused() { return Excused() }
        let lines = diary.filter { tenant.isEmpty || $0.tenant.isEmpty || $0.tenant == tenant }.map(\.line)
        report("ANNALS_SEED=\(random.seed): \(tenant): \(what)\n\(lines.joined(separator: "\n"))")
        return Wrong()
    }

    func require(_ isRight: Bool, _ tenant: String, _ what: @autoclosure () -> String) throws {
        if !isRight { throw fail(tenant, what()) }
    }

    /// A moment of an old message: often where a month ends, so that a shorter one presses it back.
    func oldTime() -> Int {
        let anchors = [
            1_768_600_000_000, 1_769_813_999_999, 1_769_727_600_000, 1_785_542_400_000, 1_790_812_800_000, 1_792_022_400_000,
            1_793_399_400_000,
        ]
        return min(pick(anchors) + Int.random(in: 0..<90, using: &random) * 60_000, clock)
    }

}

final class TestSkew: Sendable {
    private let state = Mutex((skew: Int64(0), boots: 0))
    func jump(_ milliseconds: Int64) { state.withLock { $0.skew += milliseconds } }
    func boot() { state.withLock { $0.boots += 1 } }
    func reading(of wall: Instant) -> ClockReading {
        let (skew, boots) = state.withLock { $0 }
        return ClockReading(wall: wall, steadyMilliseconds: wall.milliseconds - skew, boot: "\(boots)")
    }
}

extension PurgeModel.Coverage {
    init(_ coverage: Coverage) {
        self.init(
            tenant: coverage.tenant?.text, conversation: coverage.conversation?.text, sender: coverage.sender?.text,
            from: coverage.from.map { Int($0.milliseconds) }, until: coverage.until.map { Int($0.milliseconds) })
    }

    var real: Coverage {
        get throws {
            Coverage(
                tenant: try tenant.map { try TenantID($0) }, conversation: try conversation.map { try ConversationID($0) },
                sender: try sender.map { try UserID($0) }, from: from.map { Instant(milliseconds: Int64($0)) },
                until: until.map { Instant(milliseconds: Int64($0)) })
        }
    }
}

extension PurgeBasis {
    var before: Int? { if case .before(let time) = self { Int(time.milliseconds) } else { nil } }
}
