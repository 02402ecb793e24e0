package import Events

/// Every purge that ever was. The keys are kept of open ones only, so that the book stays small however much was destroyed.
package struct PurgeBook: Sendable {
    /// A purge that destroyed something: which messages it was about, and as of when.
    package struct Settled: Hashable, Sendable {
        package var receipt: Position
        package var receiptAt: Instant
        package var intent: Position
        package var coverage: Coverage
        package var basis: PurgeBasis
        /// What the intent knew. Whoever asks which messages are gone asks as of this.
        package var horizon: Horizon
    }

    /// A purge that ended, one way or the other.
    package struct Listed: Hashable, Sendable {
        /// Of the receipt.
        package var position: Position
        package var at: Instant
        package var intent: Position
        package var intentAt: Instant
        /// Who asked for it.
        package var principal: Principal
        package var outcome: PurgeOutcome
        package var coverage: Coverage
        package var basis: PurgeBasis
        /// What the receipt says was destroyed.
        package var messages: UInt64
        package var bytes: UInt64
        package var keys: UInt64
        /// How many partitions the intent named.
        package var partitions: Int
        package var digest: [UInt8]
    }

    private struct Open {
        var intent: PurgeIntent
        var place: LogPlace
        var principal: Principal
    }

    private struct Line: Hashable {
        var partition: Int32
        var tenant: TenantID
    }

    /// By position of the intent.
    private var opened: [Open] = []
    /// By position of the receipt.
    private var listed: [Listed] = []
    private var settled: [Settled] = []
    /// Indexes of `settled`, ascending.
    private var settledOf: [Line: [Int]] = [:]
    private var concerned: Set<Int32> = []
    /// Of the intents written down, settled ones too.
    private var lastIntent = Position.none

    package init() {}

    /// Writes an intent down. Events come in order of position; one that is written down already changes nothing.
    package mutating func intend(_ intent: PurgeIntent, position: Position, at: Instant, principal: Principal) {
        guard position > lastIntent else { return }
        lastIntent = position
        opened.append(Open(intent: intent, place: LogPlace(position: position, at: at), principal: principal))
    }

    /// Writes a receipt down. One whose intent is not open changes nothing.
    package mutating func settle(_ purge: Purge, position: Position, at: Instant) {
        guard let index = opened.firstIndex(where: { $0.place.position == purge.intent }) else { return }
        let open = opened.remove(at: index)
        listed.append(Listed(of: purge, LogPlace(position: position, at: at), open.intent, open.place, open.principal))
        guard purge.outcome == .destroyed else { return }
        for line in open.intent.lines {
            settledOf[Line(partition: line.partition, tenant: line.tenant), default: []].append(settled.count)
            concerned.insert(line.partition)
        }
        settled.append(Settled(by: LogPlace(position: position, at: at), open.intent, at: open.place.position))
    }

    /// The intents that have no receipt yet, by position.
    package var open: [(position: Position, intent: PurgeIntent)] { opened.map { ($0.place.position, $0.intent) } }

    /// The purges that destroyed something of a tenant in a partition, by position of the receipt.
    package func receipts(of partition: Int32, tenant: TenantID) -> [Settled] {
        (settledOf[Line(partition: partition, tenant: tenant)] ?? []).map { settled[$0] }
    }

    /// Whether any purge destroyed something in a partition.
    package func concern(_ partition: Int32) -> Bool { concerned.contains(partition) }

    /// The purges that ended last, newest first.
    package func list(newest count: Int) -> [Listed] { listed.suffix(max(0, count)).reversed() }

    /// The intents that were carried out: whose receipts, up to a position, say that their keys are destroyed.
    package func destroyed(through end: Position) -> Set<Position> { Set(settled.lazy.filter { $0.receipt <= end }.map(\.intent)) }

    package var last: Listed? { listed.last }
}

extension PurgeBook.Settled {
    fileprivate init(by receipt: LogPlace, _ intent: PurgeIntent, at position: Position) {
        self.init(
            receipt: receipt.position, receiptAt: receipt.at, intent: position, coverage: intent.coverage, basis: intent.basis,
            horizon: Horizon(position: intent.horizonPosition, time: intent.horizonTime))
    }
}

extension PurgeBook.Listed {
    fileprivate init(of purge: Purge, _ receipt: LogPlace, _ intent: PurgeIntent, _ intended: LogPlace, _ principal: Principal) {
        self.init(
            position: receipt.position, at: receipt.at, intent: intended.position, intentAt: intended.at, principal: principal,
            outcome: purge.outcome, coverage: intent.coverage, basis: intent.basis, messages: purge.messages, bytes: purge.bytes,
            keys: purge.keys, partitions: intent.partitions.count, digest: purge.digest)
    }
}
