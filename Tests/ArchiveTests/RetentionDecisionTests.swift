import Events
import Projections
import Testing

@testable import Archive

@Suite("When a retention change takes effect")
struct RetentionDecisionTests {
    private let tenant: Scope
    private let conversation: Scope

    init() throws {
        tenant = .tenant(try TenantID("acme"))
        conversation = .conversation(try TenantID("acme"), try ConversationID("general"))
    }

    @Test("what lengthens takes effect in its own time, what shortens after the cool-off")
    func plain() {
        var desk = Desk(today: 100)
        #expect(desk.set("1y", of: tenant) == "100")
        #expect(desk.set("90d", of: tenant) == "107")
        #expect(desk.set("2y", of: tenant, at: 99) == "99")
        desk.today = 200
        #expect(desk.set("3y", of: tenant, at: 150) == "150")
        #expect(desk.set("5y", .floor, of: tenant, at: 20) == "20")
        #expect(desk.set("inherit", .floor, of: tenant) == "207")
    }

    @Test("an imported decision of long ago that a later one overrules takes effect in its own time, and changes nothing")
    func overruled() {
        var desk = Desk(today: 3000)
        #expect(desk.set("5y", of: tenant, at: 2000) == "2000")
        #expect(desk.set("30d", of: tenant, at: 1000) == "1000")
        #expect(desk.set("1d", .floor, of: tenant, at: 2000) == "2000")
        #expect(desk.set("inherit", .floor, of: tenant, at: 1000) == "1000")
        #expect(desk.periods(of: tenant, on: [3000, 3007]) == ["5y", "5y"])
        #expect(desk.pending(of: tenant) == [])
    }

    @Test("a longer one takes effect when the shorter one would that is pending, so that this never does")
    func lengthensWhatIsPending() {
        var desk = Desk(today: 10)
        #expect(desk.set("30d", of: tenant) == "17")
        desk.today = 11
        #expect(desk.set("60d", of: tenant) == "17")
        #expect(desk.pending(of: tenant) == [2])
        #expect(desk.periods(of: tenant, on: [16, 17, 18]) == ["180d", "60d", "60d"])
        #expect(desk.set("10d", of: tenant) == "18")
    }

    @Test("a scope that inherits waits for what is pending around it")
    func widerPending() {
        var desk = Desk(today: 1)
        #expect(desk.set("1y", of: conversation) == "1")
        #expect(desk.set("2y", of: tenant) == "1")
        desk.today = 10
        #expect(desk.set("30d", of: tenant) == "17")
        desk.today = 11
        #expect(desk.set("inherit", of: conversation) == "18")
        #expect(desk.set("300d", of: conversation) == "18")
        desk = Desk(today: 1)
        #expect(desk.set("2y", of: tenant) == "1")
        #expect(desk.set("30d", of: tenant) == "8")
        desk.today = 3
        // Once its tenant's is shorter, a conversation's of its own is longer.
        #expect(desk.set("1y", of: conversation) == "8")
        #expect(desk.periods(of: conversation, on: [7, 8]) == ["2y", "1y"])
    }

    @Test("what a narrower change waits for is not taken away before it, or it would be left without a cool-off")
    func followers() {
        var desk = Desk(today: 1)
        #expect(desk.set("1d", of: tenant) == "8")
        desk.today = 7
        #expect(desk.set("2d", of: conversation) == "8")
        #expect(desk.set("5y", of: tenant) == "CONFLICT")
        desk.cancel(2)
        #expect(desk.set("5y", of: tenant) == "7")
        #expect(desk.periods(of: conversation, on: [7, 8, 9, 20]) == ["5y", "5y", "5y", "5y"])
    }

    @Test("an imported longer one does not push a lock aside for a shorter one to come back, but takes effect now")
    func keepsLock() {
        var desk = Desk(today: 110)
        desk.record("1y", of: tenant, at: 0)
        desk.record("30d", of: tenant, at: 100, effective: 107)
        desk.record("180d", of: tenant, isLocked: true, at: 50, effective: 108)
        #expect(desk.set("1y", of: tenant, at: 60) == "110")
        #expect(desk.periods(of: tenant, on: [110, 200]) == ["1y", "1y"])
        #expect(desk.lock(of: tenant) == 4)
    }

    @Test("what would undo a lock that is pending beyond the cool-off is refused")
    func keepsPendingLock() {
        var desk = Desk(today: 100, coolOffDays: 2)
        desk.record("30d", of: tenant, at: 90, effective: 106)
        desk.record("180d", of: tenant, isLocked: true, at: 80, effective: 107)
        #expect(desk.set("1y", of: tenant, at: 85) == "LOCKED")
        #expect(desk.set("1y", of: tenant) == "100")
    }

    @Test("nothing shorter than a lock is set, nor in a narrower scope")
    func refusals() {
        var desk = Desk(today: 100)
        #expect(desk.set("1y", of: tenant, isLocked: true) == "100")
        #expect(desk.set("30d", of: tenant) == "LOCKED")
        #expect(desk.set("30d", of: tenant, at: 1) == "LOCKED")
        #expect(desk.set("inherit", of: tenant) == "LOCKED")
        #expect(desk.set("30d", of: conversation) == "LOCKED")
        #expect(desk.set("2y", of: tenant) == "100")
        #expect(desk.lock(of: tenant) == 2)
    }

    @Test("an imported lock binds from now on where a later decision would overrule it")
    func importedLock() {
        var desk = Desk(today: 3000)
        desk.record("30d", of: tenant, at: 2000)
        #expect(desk.set("1y", of: tenant, isLocked: true, at: 1000) == "3000")
        #expect(desk.periods(of: tenant, on: [2999, 3000]) == ["30d", "1y"])
        #expect(desk.lock(of: tenant) == 2)
        // What is longer than the lock already stays as it is.
        desk = Desk(today: 3000)
        desk.record("5y", of: tenant, at: 2000)
        #expect(desk.set("1y", of: tenant, isLocked: true, at: 1000) == "1000")
        #expect(desk.periods(of: tenant, on: [3000]) == ["5y"])
    }

    @Test("an imported lock that something pending would undo is refused, and says what to cancel")
    func lockUndone() {
        var desk = Desk(today: 100)
        desk.record("90d", of: tenant, at: 1)
        #expect(desk.set("30d", of: tenant) == "107")
        desk.today = 101
        #expect(desk.set("1y", of: tenant, isLocked: true, at: 50) == "CONFLICT")
        guard case .failure(let refusal) = desk.decide("1y", of: tenant, isLocked: true, at: 50) else { return }
        #expect(refusal.sentence.contains("RETENTION.CANCEL 2"))
        desk.cancel(2)
        #expect(desk.set("1y", of: tenant, isLocked: true, at: 50) == "50")
        // A decision of its own time overrules what waits.
        desk = Desk(today: 100)
        #expect(desk.set("30d", of: tenant) == "107")
        #expect(desk.set("1y", of: tenant, isLocked: true) == "100")
        #expect(desk.periods(of: tenant, on: [107]) == ["1y"])
    }

    @Test("a lock is not undone by a longer one without a lock that was pending before it")
    func lockLost() {
        var desk = Desk(today: 10)
        #expect(desk.set("1y", of: tenant) == "10")
        #expect(desk.set("30d", of: tenant) == "17")
        desk.record("180d", of: conversation, at: 10, effective: 18)
        #expect(desk.set("90d", of: conversation, isLocked: true, at: 5) == "CONFLICT")
    }

    @Test("without a cool-off all takes effect in its own time")
    func noCoolOff() {
        var desk = Desk(today: 100, coolOffDays: 0)
        #expect(desk.set("1y", of: tenant, at: 50) == "50")
        #expect(desk.set("30d", of: tenant, at: 60) == "60")
        #expect(desk.set("1d", of: tenant) == "100")
    }

    @Test("a floor has no wider one to fall back to")
    func floors() {
        var desk = Desk(today: 100)
        #expect(desk.set("1y", .floor, of: tenant) == "100")
        #expect(desk.set("30d", .floor, of: conversation) == "100")
        #expect(desk.set("inherit", .floor, of: conversation) == "107")
        desk.today = 101
        #expect(desk.set("40d", .floor, of: conversation) == "101")
        #expect(desk.pending(of: conversation) == [])
    }
}

/// A book and a day on which decisions are taken; all times are days, and each is told by the day on which it takes effect.
private struct Desk {
    var today: Int
    var coolOffDays = 7
    private var book = PolicyBook()
    private var last: UInt64 = 0

    init(today: Int, coolOffDays: Int = 7) {
        self.today = today
        self.coolOffDays = coolOffDays
    }

    private static func instant(_ day: Int) -> Instant {
        Instant(milliseconds: 1_577_836_800_000).advanced(byMilliseconds: Int64(day) * Instant.millisecondsPerDay)
    }

    private static func day(_ time: Instant) -> Int { Int((time.milliseconds - instant(0).milliseconds) / Instant.millisecondsPerDay) }

    func decide(
        _ text: String, _ target: RetentionTarget = .policy, of scope: Scope, isLocked: Bool = false, at: Int? = nil
    ) -> Result<RetentionChange, Refusal> {
        let rule = RetentionChange.Rule(text: text) ?? .inherit
        return RetentionDecision(
            scope: scope, change: .init(target, rule, isLocked: isLocked), reason: "because", at: Self.instant(at ?? today),
            recorded: Self.instant(today), coolOffMilliseconds: Int64(coolOffDays) * Instant.millisecondsPerDay
        ).make(under: book)
    }

    /// The day on which it takes effect, or why it was refused.
    mutating func set(
        _ text: String, _ target: RetentionTarget = .policy, of scope: Scope, isLocked: Bool = false, at: Int? = nil
    ) -> String {
        switch decide(text, target, of: scope, isLocked: isLocked, at: at) {
        case .failure(let refusal): return refusal.code.rawValue
        case .success(let change):
            last += 1
            book.record(change, position: Position(last), at: Self.instant(at ?? today))
            return "\(Self.day(change.effectiveAt))"
        }
    }

    /// Writes down what was decided once.
    mutating func record(_ text: String, of scope: Scope, isLocked: Bool = false, at: Int, effective: Int? = nil) {
        last += 1
        let change = RetentionChange(
            scope: scope, rule: RetentionChange.Rule(text: text) ?? .inherit, isLocked: isLocked,
            effectiveAt: Self.instant(effective ?? at), reason: "because")
        book.record(change, position: Position(last), at: Self.instant(at))
    }

    mutating func cancel(_ change: UInt64) {
        last += 1
        book.cancel(Position(change), position: Position(last), at: Self.instant(today))
    }

    func periods(of scope: Scope, on days: [Int]) -> [String] {
        days.map { book.inForce(for: scope, within: Horizon(position: .last, time: Self.instant($0))).period.description }
    }

    func pending(of scope: Scope) -> [UInt64] {
        book.pending(of: scope, within: Horizon(position: .last, time: Self.instant(today))).map(\.position.rawValue)
    }

    func lock(of scope: Scope) -> UInt64? {
        book.lock(of: scope, target: .policy, within: Horizon(position: .last, time: Self.instant(today)))?.position.rawValue
    }
}
