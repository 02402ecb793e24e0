package import Events
import LMDB
import Ledger
import Projections
import Vault

package struct PartitionSummary: Hashable, Sendable {
    /// Such as `2026-11-23`.
    package var name: String
    package var events: Int
    package var messages: Int
    /// Of the messages: those neither expired nor destroyed; expired and still there; kept by a hold beyond that; destroyed.
    package var live = 0
    package var expired = 0
    package var held = 0
    package var purged = 0
    /// Bytes of the bodies as they came.
    package var bodyBytes: Int
    /// Bytes that the file system gave to the file.
    package var diskBytes: Int
    /// Of those: pages that hold nothing.
    package var freeBytes = 0
    /// When the next of the live ones expires; nil for never.
    package var nextExpiry: Instant?
    package var first: Position
    package var last: Position
    /// Why it is put aside; then nothing but its size on disk is known.
    package var damage: String?
}

extension Archive {
    /// All partitions, oldest first. What is not folded yet is not counted.
    package func partitions() throws(ArchiveFailure) -> [PartitionSummary] {
        let view = LogView(core)
        let judgement = Judgement(
            view.rules, coverage: .everything, basis: .expired, horizon: Horizon(position: .last, time: view.now))
        let planner = PurgePlanner(store: core.store, vault: core.vault, judgement: judgement)
        var summaries: [PartitionSummary] = []
        for id in core.store.shelf.all {
            do throws(ArchiveFailure) {
                if let summary = try summary(of: id, planner) { summaries.append(summary) }
            } catch {
                core.store.note(error)
                guard core.store.shelf.damage(of: id) != nil else { throw error }
                summaries.append(remains(of: id))
            }
        }
        return summaries
    }

    private func remains(of id: PartitionID) -> PartitionSummary {
        let shelf = core.store.shelf
        return PartitionSummary(
            name: shelf.length.name(of: id), events: 0, messages: 0, bodyBytes: 0, diskBytes: DiskUse.bytes(of: shelf.path(of: id)),
            first: .none, last: .none, damage: shelf.damage(of: id).map { "\($0)" })
    }

    private func summary(of id: PartitionID, _ planner: PurgePlanner) throws(ArchiveFailure) -> PartitionSummary? {
        let shelf = core.store.shelf
        let survey = try planner.survey(id)
        do {
            guard let lease = try shelf.lease(id) else { return nil }
            let environment = lease.partition.environment
            guard let totals = try environment.read({ reader in try lease.partition.totals(reader) }) else { return nil }
            var summary = PartitionSummary(
                name: shelf.length.name(of: id), events: Int(totals.events), messages: Int(totals.messages),
                bodyBytes: Int(totals.bodyBytes), diskBytes: DiskUse.bytes(of: shelf.path(of: id)), first: totals.first, last: totals.last)
            let keys = survey.tenants.values.flatMap(\.keys.values)
            summary.expired = Int(keys.reduce(0) { $0 + $1.due })
            summary.held = Int(survey.held)
            let present = Int(keys.reduce(0) { $0 + $1.due + $1.others })
            summary.live = present - summary.expired - summary.held
            summary.purged = max(0, summary.messages - present)
            summary.freeBytes = try environment.freeBytes()
            summary.nextExpiry = survey.nextExpiry
            return summary
        } catch { throw ArchiveFailure(error) }
    }
}

extension Environment {
    /// Bytes of the file in pages that hold nothing.
    func freeBytes() throws(LMDBError) -> Int {
        let pages = try snapshot().freePages()
        return try pages * information().pageBytes
    }
}
