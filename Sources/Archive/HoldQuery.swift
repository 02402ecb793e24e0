package import Events
import Projections
import Synchronization

extension Archive {
    /// Holds as of a moment: those that stood, or also those that were released before.
    package func holds(asOf: AsOf, withReleased: Bool) throws(ArchiveFailure) -> Result<[HoldSummary], Refusal> {
        let view = LogView(core)
        switch try view.horizon(asOf) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let horizon):
            let known = view.rules.holds.all(within: horizon)
            return .success(known.filter { withReleased || $0.released == nil }.map(HoldSummary.init))
        }
    }

    /// Purges, the newest first.
    package func purges(newest count: Int) -> [PurgeSummary] {
        let view = LogView(core)
        return view.rules.purges.list(newest: count).filter { $0.position <= view.tail.end }.map(PurgeSummary.init)
    }

    /// What upkeep does, and how far it is behind.
    package func upkeepStatus() -> UpkeepStatus {
        var status = upkeep.status.withLock { $0 }
        status.openIntents = core.rules.withLock { $0.purges.open.count }
        return status
    }
}

package struct HoldSummary: Hashable, Sendable {
    package var hold: HoldPlace
    package var position: Position
    package var at: Instant
    package var principal: Principal
    package var released: Position?
    package var releasedAt: Instant?

    init(_ entry: HoldBook.Entry) {
        hold = entry.hold
        position = entry.placed.position
        at = entry.placed.at
        principal = entry.principal
        released = entry.released?.position
        releasedAt = entry.released?.at
    }
}

/// A purge that ended, one way or the other.
package struct PurgeSummary: Hashable, Sendable {
    /// Of the receipt.
    package var position: Position
    package var at: Instant
    package var intent: Position
    package var intentAt: Instant
    package var principal: Principal
    package var outcome: PurgeOutcome
    package var coverage: Coverage
    package var basis: PurgeBasis
    package var messages: UInt64
    package var bytes: UInt64
    package var keys: UInt64
    package var partitions: Int
    package var digest: [UInt8]

    init(_ listed: PurgeBook.Listed) {
        position = listed.position
        at = listed.at
        intent = listed.intent
        intentAt = listed.intentAt
        principal = listed.principal
        outcome = listed.outcome
        coverage = listed.coverage
        basis = listed.basis
        messages = listed.messages
        bytes = listed.bytes
        keys = listed.keys
        partitions = listed.partitions
        digest = listed.digest
    }
}
