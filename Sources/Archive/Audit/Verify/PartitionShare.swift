import Events
import Ledger
import Projections
import Vault

/// What a stored body shows of itself without being opened, and without its bytes being read: LMDB knows the length.
struct BodyOutline {
    var bytes: Int
    /// Nil where no key has that number.
    var key: KeyID?

    init(of stored: UnsafeRawBufferPointer) {
        bytes = stored.count
        key = SealedBody.keyID(of: stored)
    }
}

/// The bodies that are beside their messages as they must be.
struct FittingBodies: Sendable {
    /// As long as their records say, and sealed under something.
    private(set) var fitting: UInt64 = 0
    /// What the partition must count of them.
    private(set) var holdings = HoldingSums()

    /// What they are sealed under.
    var keys: Set<UInt64> { holdings.keys }

    mutating func add(_ body: BodyOutline?, of send: SendFields, _ fields: TrailFields, in record: UnsafeRawBufferPointer) {
        guard let body, let key = body.key?.rawValue, body.bytes == StoredBody.overheadBytes + Int(send.bodyBytes) else { return }
        fitting += 1
        holdings.add(
            key, fields.tenant.bytes(in: record), send.conversation.bytes(in: record), send.sender.bytes(in: record), messages: 1,
            bytes: UInt64(send.bodyBytes), in: Stretch(from: fields.at, through: fields.at))
    }

    mutating func add(_ others: FittingBodies) {
        fitting += others.fitting
        holdings.add(others.holdings)
    }
}

/// What is gathered of one partition on the way through a segment.
struct Gathered {
    private(set) var meaning = Meaning()
    private(set) var bodies = FittingBodies()

    mutating func add(
        _ fields: TrailFields, _ record: UnsafeRawBufferPointer, _ event: Event?, _ body: BodyOutline?, _ fingerprints: Fingerprints
    ) throws(TrailFault) {
        let send = try meaning.add(fields, record, event, key: nil, fingerprints: fingerprints)
        if let send { bodies.add(body, of: send, fields, in: record) }
    }
}

/// What some events add to their partition.
struct PartitionShare: Sendable {
    private(set) var sums = IndexSums()
    private(set) var gains = ConversationGains()
    private(set) var totals = PartitionTotals(first: .first)
    private(set) var bodies = FittingBodies()

    /// Nothing.
    init() {}

    init(_ meaning: Meaning, _ bodies: FittingBodies) {
        self.bodies = bodies
        sums.add(meaning.rows)
        gains = meaning.gains
        totals = PartitionTotals(first: meaning.first)
        totals.add(meaning)
    }

    /// Adds what came behind.
    mutating func add(_ later: PartitionShare) {
        if totals.events == 0 { totals.first = later.totals.first }
        sums += later.sums
        gains.add(later.gains)
        bodies.add(later.bodies)
        totals.last = later.totals.last
        totals.events += later.totals.events
        totals.messages += later.totals.messages
        totals.bodyBytes += later.totals.bodyBytes
        totals.recorded = max(totals.recorded, later.totals.recorded)
    }

    /// What the indexes of all of it must add up to.
    func indexSums() -> IndexSums {
        var sums = sums
        for gain in gains.all where gain.messages > 0 { sums.add(gain) }
        return sums
    }
}
