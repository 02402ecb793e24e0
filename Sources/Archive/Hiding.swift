import Events
import LMDB
import Projections

/// What one viewer hid of one conversation, within a horizon.
struct Hiding {
    private let view: LogView
    private let viewer: UserID
    private let horizon: Horizon
    /// The clear that reaches furthest.
    private var clear: LocalDeletes.Clear?
    /// By message, the deletes that are not folded yet.
    private var unfolded: [Position: Position] = [:]

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
            case .messages(let targets):
                for target in targets where unfolded[target.position] == nil { unfolded[target.position] = event.position }
            case .upTo(let position): take(LocalDeletes.Clear(upTo: position, cause: .init(position: event.position, at: event.at)))
            }
        }
        do {
            let folded = try view.store.state.environment.read { reader in
                try view.store.state.deletes.lastClear(tenant, conversation, by: viewer, reader) { clear in
                    horizon.includes(clear.cause.position, at: clear.cause.at)
                }
            }
            if let folded { take(folded) }
        } catch { throw ArchiveFailure(error) }
    }

    private mutating func take(_ other: LocalDeletes.Clear) {
        if clear.map({ $0.upTo < other.upTo }) ?? true { clear = other }
    }

    func hides(_ message: Position) throws(ArchiveFailure) -> Bool { try cause(of: message) != nil }

    /// Which of some messages are hidden, each at its place.
    func hides(_ messages: [Position]) throws(ArchiveFailure) -> [Bool] {
        do {
            return try view.store.state.environment.read { reader in try messages.map { try cause(of: $0, reader) != nil } }
        } catch { throw ArchiveFailure(error) }
    }

    /// An event by which a message is hidden; nil if it is not.
    func cause(of message: Position) throws(ArchiveFailure) -> Position? {
        do {
            return try view.store.state.environment.read { reader in try cause(of: message, reader) }
        } catch { throw ArchiveFailure(error) }
    }

    private func cause(of message: Position, _ reader: Reader) throws -> Position? {
        if let clear, message <= clear.upTo { return clear.cause.position }
        if let position = unfolded[message] { return position }
        let cause = try view.store.state.deletes.hide(of: message, by: viewer, reader)
        return cause.flatMap { horizon.includes($0.position, at: $0.at) ? $0.position : nil }
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
