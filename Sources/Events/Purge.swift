/// What a purge is going to destroy, and what it knew when that was decided. Written before anything is destroyed.
///
/// The lines are in order of partition and tenant, each pair once; there are 1 to 8192 of them.
package struct PurgeIntent: Hashable, Sendable {
    package let coverage: Coverage
    package let basis: PurgeBasis
    /// No later event counts.
    package let horizonPosition: Position
    /// The moment at which expiry is judged.
    package let horizonTime: Instant
    /// The last event that the plan knows of those that change what may be destroyed.
    package let rules: Position
    /// Messages of the coverage that stay because of a hold.
    package let held: UInt64
    /// Those that stay because of a floor.
    package let floored: UInt64
    /// Those that stay because their policy is locked.
    package let locked: UInt64
    package let lines: [PurgeLine]
    /// Of the plan: 32 bytes.
    package let digest: [UInt8]

    package init(
        coverage: Coverage, basis: PurgeBasis, horizonPosition: Position, horizonTime: Instant, rules: Position,
        held: UInt64, floored: UInt64, locked: UInt64, lines: [PurgeLine], digest: [UInt8]
    ) {
        precondition(Self.isSound(lines), "a purge's lines are sorted, each once, because a record has one spelling")
        precondition(digest.count == Purge.digestByteCount, "a digest has 32 bytes because it is a SHA-256")
        precondition(max(held, floored, locked) <= Int64.max, "counts are below 2^63 because they are counted with")
        self.coverage = coverage
        self.basis = basis
        self.horizonPosition = horizonPosition
        self.horizonTime = horizonTime
        self.rules = rules
        self.held = held
        self.floored = floored
        self.locked = locked
        self.lines = lines
        self.digest = digest
    }

    package static let linesMax = 8192

    static func isSound(_ lines: [PurgeLine]) -> Bool {
        (1...linesMax).contains(lines.count) && zip(lines, lines.dropFirst()).allSatisfy { $0.0.comesBefore($0.1) }
    }

    package var messages: UInt64 { lines.reduce(0) { $0 + $1.messages } }
    package var bytes: UInt64 { lines.reduce(0) { $0 + $1.bytes } }
    package var keyCount: UInt64 { lines.reduce(0) { $0 + UInt64($1.keys.count) } }
    /// Each once, ascending.
    package var partitions: [Int32] {
        lines.reduce(into: []) { found, line in if found.last != line.partition { found.append(line.partition) } }
    }
}

/// Why messages are due.
package enum PurgeBasis: Hashable, Sendable {
    /// Their time is over.
    case expired
    /// Somebody decided that those from before a moment go, whatever their policy says.
    case before(Instant)

    package var word: String {
        switch self {
        case .expired: "expired"
        case .before: "before"
        }
    }
}

/// What a purge destroys of one tenant in one partition.
///
/// The keys ascend, each once, and none is 0; no count is greater than 2^48, so that those of all lines add up.
package struct PurgeLine: Hashable, Sendable {
    package let partition: Int32
    package let tenant: TenantID
    package let keys: [UInt64]
    package let messages: UInt64
    package let conversations: UInt64
    /// Of the bodies as they came.
    package let bytes: UInt64

    package init(
        partition: Int32, tenant: TenantID, keys: [UInt64], messages: UInt64, conversations: UInt64, bytes: UInt64
    ) {
        precondition(
            keys.first != 0 && zip(keys, keys.dropFirst()).allSatisfy { $0.0 < $0.1 },
            "a line's keys ascend from 1 because a record has one spelling")
        precondition(max(messages, conversations, bytes) <= Self.countMax, "counts are below 2^48 because they are added up")
        self.partition = partition
        self.tenant = tenant
        self.keys = keys
        self.messages = messages
        self.conversations = conversations
        self.bytes = bytes
    }

    package static let countMax: UInt64 = 1 << 48

    func comesBefore(_ other: PurgeLine) -> Bool { (partition, tenant) < (other.partition, other.tenant) }
}

/// How a purge ended: the receipt.
package struct Purge: Hashable, Sendable {
    package let intent: Position
    package let outcome: PurgeOutcome
    package let messages: UInt64
    package let bytes: UInt64
    package let keys: UInt64
    /// Of what was destroyed: 32 bytes.
    package let digest: [UInt8]

    package init(
        intent: Position, outcome: PurgeOutcome, messages: UInt64, bytes: UInt64, keys: UInt64, digest: [UInt8]
    ) {
        precondition(digest.count == Self.digestByteCount, "a digest has 32 bytes because it is a SHA-256")
        precondition(max(messages, bytes, keys) <= Int64.max, "counts are below 2^63 because they are counted with")
        self.intent = intent
        self.outcome = outcome
        self.messages = messages
        self.bytes = bytes
        self.keys = keys
        self.digest = digest
    }

    package static let digestByteCount = 32
}

/// The number is the one on disk; it never gets a second meaning.
package enum PurgeOutcome: UInt8, Sendable, CaseIterable {
    /// The keys are gone.
    case destroyed = 1
    /// Nothing was destroyed.
    case withdrawn = 2

    package var word: String {
        switch self {
        case .destroyed: "destroyed"
        case .withdrawn: "withdrawn"
        }
    }
}
