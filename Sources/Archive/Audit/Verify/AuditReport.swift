package import Events

/// Something in a data folder that is not as it must be.
package struct AuditFinding: Hashable, Sendable {
    package enum Kind: String, Sendable {
        /// Bytes that nobody can read, or that are missing: a disk's doing, or somebody's.
        case damaged
        /// It can be read, and it is not what was signed or what the log says of itself: nobody's disk does that.
        case tampered
    }

    package var kind: Kind
    /// Where in the log, if it is about events.
    package var first: Position?
    package var last: Position?
    /// The file.
    package var place: String
    /// What it is and what it means: one sentence.
    package var sentence: String

    /// Whether another one says the same of the events that follow.
    fileprivate func isContinued(by other: AuditFinding) -> Bool {
        guard let last, let first = other.first, last.next == first else { return false }
        return kind == other.kind && place == other.place && sentence == other.sentence
    }
}

/// What a verification found.
package struct AuditReport: Sendable {
    /// In the order in which they were found; what is beyond `findingsMax` is only counted.
    package private(set) var findings: [AuditFinding] = []
    package private(set) var furtherFindings = 0
    private var hasTampered = false

    /// What is worth knowing and no finding: a sentence each.
    package var notes: [String] = []
    /// The log's end.
    package var end = Position.none
    package var root: [UInt8] = []
    package var partitions = 0
    package var tombstones = 0
    package var events: UInt64 = 0
    package var messages: UInt64 = 0
    /// Bodies that are there, and those that a receipt says are destroyed.
    package var bodies: UInt64 = 0
    package var purged: UInt64 = 0
    /// Destroyed, and their sealed bytes not deleted yet.
    package var unreclaimed: UInt64 = 0
    /// Bodies that are gone, or there, for a reason that nobody knows, since records of rules or receipts are lost.
    package var unjudged: UInt64 = 0
    /// Bodies that were opened and compared with their commitments.
    package var opened: UInt64 = 0
    package var receipts = 0
    package var checkpoints = 0
    /// Of those: that the records were compared with. The others are of a part of the log that is missing.
    package var checkpointsCompared = 0
    /// Up to here the log is what somebody signed, and whose key that was; nil: no signature vouches for any of it.
    package var signed: (through: Position, by: String)?
    /// Events behind that.
    package var unsigned: UInt64 { end.rawValue - min(end.rawValue, signed?.through.rawValue ?? 0) }
    /// Why the state's tables were not compared with the records, if they were not.
    package var stateUncompared: String?
    /// Events in the journal that are in no partition yet.
    package var journaled = 0
    /// Whether a daemon has the folder open: then what was folded at the beginning is verified.
    package var isLive = false

    package enum Verdict: String, Sendable { case sound, damaged, tampered }

    package var verdict: Verdict { findings.isEmpty ? .sound : hasTampered ? .tampered : .damaged }

    package static let findingsMax = 1000
    private static let neighboursMax = 8

    /// Adds what another piece of work found.
    mutating func join(_ other: AuditReport) {
        for finding in other.findings { note(finding) }
        furtherFindings += other.furtherFindings
        hasTampered = hasTampered || other.hasTampered
        events += other.events
        messages += other.messages
        bodies += other.bodies
        purged += other.purged
        unjudged += other.unjudged
        unreclaimed += other.unreclaimed
        opened += other.opened
    }

    /// What is the same of consecutive events is one finding.
    mutating func note(_ finding: AuditFinding) {
        if finding.kind == .tampered { hasTampered = true }
        // An event may have several findings, so its neighbour's is not always the last.
        for index in findings.indices.suffix(Self.neighboursMax) where findings[index].isContinued(by: finding) {
            return findings[index].last = finding.last
        }
        if findings.count < Self.findingsMax { findings.append(finding) } else { furtherFindings += 1 }
    }

    mutating func note(_ kind: AuditFinding.Kind, _ positions: ClosedRange<Position>? = nil, in place: String, _ sentence: String) {
        note(AuditFinding(kind: kind, first: positions?.lowerBound, last: positions?.upperBound, place: place, sentence: sentence))
    }

    /// An event that can be read, and that no daemon takes.
    mutating func note(illegal position: Position, _ kind: EventKind, _ fault: String, in files: LogFiles) {
        note(.tampered, position...position, in: files.path, "the \(kind.word) is illegal: \(fault)")
    }
}

extension Refusal {
    /// Without the advice for whoever asked.
    var fact: String {
        let parts = sentence.split(separator: "; ")
        return parts.count > 1 ? parts.dropLast().joined(separator: "; ") : sentence
    }
}
