import Events
import LMDB
import Projections

/// What one viewer hid of one conversation, within a horizon.
struct Hiding {
    private let view: LogView
    private let viewer: UserID
    private let horizon: Horizon
    private var clearedUpTo = Position.none
    /// Hidden by deletes that are not folded yet.
    private var unfolded: Set<Position> = []

    init(
        of conversation: ConversationID, in tenant: TenantID, by viewer: UserID, within horizon: Horizon, _ view: LogView
    ) throws(ArchiveFailure) {
        self.view = view
        self.viewer = viewer
        self.horizon = horizon
        for event in try view.unfoldedDeletes(in: conversation, of: tenant) {
            guard horizon.includes(event.position, at: event.at), case .localDelete(let deletion) = event.deed,
                deletion.viewer == viewer
            else { continue }
            switch deletion.extent {
            case .messages(let targets): unfolded.formUnion(targets.map(\.position))
            case .upTo(let position): clearedUpTo = max(clearedUpTo, position)
            }
        }
        do {
            let clear = try view.store.state.environment.read { reader in
                try view.store.state.deletes.lastClear(tenant, conversation, by: viewer, reader) { clear in
                    horizon.includes(clear.cause.position, at: clear.cause.at)
                }
            }
            clearedUpTo = max(clearedUpTo, clear?.upTo ?? .none)
        } catch { throw ArchiveFailure(error) }
    }

    func hides(_ message: Position) throws(ArchiveFailure) -> Bool {
        if message <= clearedUpTo || unfolded.contains(message) { return true }
        do {
            let cause = try view.store.state.environment.read { reader in
                try view.store.state.deletes.hide(of: message, by: viewer, reader)
            }
            return cause.map { horizon.includes($0.position, at: $0.at) } ?? false
        } catch { throw ArchiveFailure(error) }
    }
}

extension LogView {
    /// The local deletes of a conversation that are not folded yet, in order of position.
    func unfoldedDeletes(in conversation: ConversationID, of tenant: TenantID) throws(ArchiveFailure) -> [Event] {
        let fingerprint = store.fingerprints.of(conversation, in: tenant).rawValue
        var found: [Event] = []
        for batch in tail.batches {
            for index in batch.others where batch.conversations[index] == fingerprint && batch.entries[index].kind == .localDelete {
                do {
                    let event = try batch.withTrail(at: index) { (record) throws(TrailFault) in try Event(decoding: record) }
                    if event.tenant == tenant, event.conversation == conversation { found.append(event) }
                } catch { throw .damaged(place: "the journal", error) }
            }
        }
        return found
    }
}
