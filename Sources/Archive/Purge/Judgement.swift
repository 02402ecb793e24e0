import Events
import Projections

/// What a purge would do with a message, and why.
enum Fate: Hashable, Sendable {
    /// It goes.
    case due
    /// It is not what the purge is after: outside its coverage, or not expired yet.
    case living
    case held
    case floored
    case locked
}

/// Which messages a purge destroys: pure, and the same for plans, for the destroyer, and for whoever reads a receipt years later.
///
/// Rules and their history never change, so what was due as of a horizon can be told for ever.
struct Judgement {
    let rules: RuleBook
    let coverage: Coverage
    let basis: PurgeBasis
    let horizon: Horizon
    private let holds: [Coverage]

    init(_ rules: RuleBook, coverage: Coverage, basis: PurgeBasis, horizon: Horizon) {
        self.rules = rules
        self.coverage = coverage
        self.basis = basis
        self.horizon = horizon
        // Once, and not for each row of each partition.
        holds = rules.holds.isEmpty ? [] : rules.holds.standing(within: horizon).map(\.hold.coverage)
    }

    init(_ rules: RuleBook, on intent: PurgeIntent) {
        self.init(
            rules, coverage: intent.coverage, basis: intent.basis,
            horizon: Horizon(position: intent.horizonPosition, time: intent.horizonTime))
    }

    init(_ rules: RuleBook, of settled: PurgeBook.Settled) {
        self.init(rules, coverage: settled.coverage, basis: settled.basis, horizon: settled.horizon)
    }

    /// What all messages of a sender in a conversation have in common.
    func bench(_ tenant: TenantID, _ conversation: ConversationID, _ sender: UserID) -> Bench {
        let scope = Scope.conversation(tenant, conversation)
        return Bench(
            tenant: tenant, conversation: conversation, sender: sender, coverage: coverage, basis: basis, time: horizon.time,
            terms: rules.policies.terms(for: scope, within: horizon),
            // What has expired goes whatever is locked.
            locked: basis == .expired ? [] : rules.policies.lockedPeriods(for: scope, within: horizon),
            holds: holds.filter { $0.namesCover(tenant, conversation, sender) })
    }

    func fate(_ tenant: TenantID, _ conversation: ConversationID, _ sender: UserID, at: Instant, position: Position) -> Fate {
        position > horizon.position ? .living : bench(tenant, conversation, sender).fate(at: at)
    }
}

/// Where messages of one sender in one conversation are judged, by their time alone.
struct Bench {
    let tenant: TenantID
    let conversation: ConversationID
    let sender: UserID
    let coverage: Coverage
    let basis: PurgeBasis
    let time: Instant
    let terms: Terms
    /// The periods of all locked policies, its own and the wider ones: none takes another's place.
    let locked: [Period]
    /// The standing holds that cover the names.
    let holds: [Coverage]

    func fate(at: Instant) -> Fate {
        guard coverage.covers(tenant, conversation, sender, at: at) else { return .living }
        let isExpired = Visibility.isExpired(at: at, under: terms, asOf: time)
        var isWanted = isExpired
        if case .before(let end) = basis, at < end { isWanted = true }
        guard isWanted else { return .living }
        if holds.contains(where: { $0.covers(tenant, conversation, sender, at: at) }) { return .held }
        if isExpired { return .due }
        if terms.isFloored(at: at, asOf: time) { return .floored }
        let isLocked = locked.contains { period in period.end(from: at).map { $0 > time } ?? true }
        return isLocked ? .locked : .due
    }

    /// The one fate of all messages of a stretch, or nil if they may have several.
    ///
    /// Within a UTC day expiry only moves forward, so a day's first and last moment speak for it; what cuts a day in two is looked at
    /// by itself.
    func fate(in stretch: Stretch) -> Fate? {
        var cuts = holds.flatMap { [$0.from, $0.until] } + [coverage.from, coverage.until]
        if case .before(let end) = basis { cuts.append(end) }
        if cuts.contains(where: { $0.map(stretch.isCut) ?? false }) { return nil }
        let first = fate(at: stretch.first)
        return stretch.days.allSatisfy { fate(at: $0.first) == first && fate(at: $0.last) == first } ? first : nil
    }
}

extension Coverage {
    /// Whether it covers the names, at some time or other.
    func namesCover(_ tenant: TenantID, _ conversation: ConversationID, _ sender: UserID) -> Bool {
        (self.tenant.map { $0 == tenant } ?? true) && (self.conversation.map { $0 == conversation } ?? true)
            && (self.sender.map { $0 == sender } ?? true)
    }
}
