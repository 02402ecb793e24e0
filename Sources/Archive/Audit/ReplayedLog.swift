package import Events
import LMDB
import Ledger
import Projections

/// What a replay built: the digest of it, and what each message was at its end.
package struct ReplayedLog: Sendable {
    package let position: Position
    /// The moment that was asked for, at which expiry is judged; of a position, when the server had its event.
    package let time: Instant
    package let digest: [UInt8]
    let store: Store
    let rules: RuleBook

    init(_ options: ArchiveOptions, _ position: Position, asOf moment: Instant? = nil) throws(ArchiveFailure) {
        store = try Store(DataFolder(openingExisting: options), options)
        let progress = try store.progress()
        guard progress.position == position, let digest = try store.digest(onAllCores: true) else {
            throw .folder(path: options.path, reason: "was built up to \(progress.position), and not up to \(position)")
        }
        self.position = position
        self.digest = digest.bytes
        time = moment ?? progress.recorded
        do { rules = try store.state.environment.read { [store] reader in try store.state.ruleBook(reader) } } catch {
            throw ArchiveFailure(error)
        }
    }

    /// A message at the moment that was replayed.
    package struct Message: Sendable {
        package var position: Position
        package var at: Instant
        package var tenant: TenantID
        package var conversation: ConversationID
        package var id: MessageID
        /// To whom has hidden nothing.
        package var state: MessageState
        package var isHeld: Bool
        /// Who hid it, whether or not he would still see it otherwise.
        package var hiders: Set<UserID>
        package var receipt: Position?
    }

    /// How many messages of a tenant were what.
    package struct Tally: Hashable, Sendable {
        package var messages = 0
        package var visible = 0
        /// Of the visible ones: hidden by somebody from himself.
        package var hidden = 0
        package var expired = 0
        package var held = 0
        package var purged = 0
    }

    /// Calls `body` with every message, by partition and position. What it throws ends the walk, and comes out as it is; all else that
    /// is thrown is an `ArchiveFailure`.
    package func forEachMessage(_ body: (Message) throws -> Void) throws {
        for id in store.shelf.all { try forEachMessage(in: id, body) }
    }

    private func forEachMessage(in id: PartitionID, _ body: (Message) throws -> Void) throws {
        guard let lease = try lease(id) else { return }
        var bench = Bench(self)
        var walk = TrailWalk(of: lease.partition)
        while let messages = try next(&walk, &bench) {
            for message in messages { try body(message) }
        }
    }

    func lease(_ id: PartitionID) throws(ArchiveFailure) -> PartitionShelf.Lease? {
        do { return try store.shelf.lease(id) } catch { throw ArchiveFailure(error) }
    }

    /// The messages of the next records, maybe none; nil where there are no more records.
    private func next(_ walk: inout TrailWalk, _ bench: inout Bench) throws(ArchiveFailure) -> [Message]? {
        do {
            guard let slice = try walk.next() else { return nil }
            return try store.state.environment.read { reader in
                var messages: [Message] = []
                for row in slice where row.fields.kind == .send && row.fields.at <= time {
                    let event = try row.event()
                    guard case .send(let send) = event.deed, let tenant = event.tenant else { continue }
                    messages.append(try message(event, send, tenant, &bench, reader))
                }
                return messages
            }
        } catch { throw ArchiveFailure(error) }
    }

    /// What many messages are judged by, looked up once.
    struct Bench {
        let horizon: Horizon
        var hides = Hides()
        var judgements: [Position: Judgement] = [:]
        var conversations: [Scope: Conversation] = [:]

        init(_ log: ReplayedLog) { horizon = Horizon(position: log.position, time: log.time) }

        struct Conversation {
            let terms: Terms
            /// Within the horizon.
            let clears: [(viewer: UserID, upTo: Position)]
        }
    }

    /// The messages that were hidden one by one, gone through from the first to the last: few are, and the others are not looked up.
    struct Hides {
        /// From where on nobody has looked, and what comes next there.
        private var (place, next): (Position, Position?) = (.none, Position.none)

        /// By which events anyone hid a message, of those within a horizon.
        mutating func hiders(
            of position: Position, within horizon: Horizon, in deletes: LocalDeletes, _ reader: Reader
        ) throws(ProjectionFailure) -> [UserID] {
            // A damaged file may lead backwards.
            if position < place { next = Position.none }
            place = position
            if let next, next < position {
                do { self.next = try deletes.firstHidden(atLeast: position, reader) } catch { throw .store(error) }
            }
            guard next == position else { return [] }
            return try deletes.hiders(of: position, reader).filter { horizon.includes($0.cause.position, at: $0.cause.at) }.map(\.viewer)
        }
    }

    func conversation(
        _ tenant: TenantID, _ name: ConversationID, _ bench: inout Bench, _ reader: Reader
    ) throws(ProjectionFailure) -> Bench.Conversation {
        let scope = Scope.conversation(tenant, name)
        if let known = bench.conversations[scope] { return known }
        let horizon = bench.horizon
        let clears = try store.state.deletes.clearers(tenant, name, reader)
            .filter { horizon.includes($0.clear.cause.position, at: $0.clear.cause.at) }
        let found = Bench.Conversation(
            terms: rules.policies.terms(for: scope, within: horizon), clears: clears.map { ($0.viewer, $0.clear.upTo) })
        bench.conversations[scope] = found
        return found
    }

    func message(
        _ event: Event, _ send: Send, _ tenant: TenantID, _ bench: inout Bench, _ reader: Reader
    ) throws -> Message {
        let conversation = try conversation(tenant, send.conversation, &bench, reader)
        let receipt = receipt(of: event, send, tenant, &bench)
        let state = Visibility.state(at: event.at, under: conversation.terms, isHidden: false, asOf: bench.horizon.time)
        let isHeld =
            !rules.holds.isEmpty
            && !rules.holds.holds(covering: tenant, send.conversation, send.sender, at: event.at, within: bench.horizon).isEmpty
        return Message(
            position: event.position, at: event.at, tenant: tenant, conversation: send.conversation, id: send.messageID,
            state: receipt == nil ? state : .purged, isHeld: isHeld,
            hiders: try hiders(of: event.position, conversation, &bench, reader), receipt: receipt)
    }

    private func receipt(
        of event: Event, _ send: Send, _ tenant: TenantID, _ bench: inout Bench
    ) -> Position? {
        for settled in rules.purges.receipts(of: store.partition(of: event.at).number, tenant: tenant)
        where bench.horizon.includes(settled.receipt, at: settled.receiptAt) {
            let judgement: Judgement
            if let known = bench.judgements[settled.receipt] {
                judgement = known
            } else {
                judgement = Judgement(rules, of: settled)
                bench.judgements[settled.receipt] = judgement
            }
            let fate = judgement.fate(tenant, send.conversation, send.sender, at: event.at, position: event.position)
            if fate == .due { return settled.receipt }
        }
        return nil
    }

    private func hiders(
        of position: Position, _ conversation: Bench.Conversation, _ bench: inout Bench, _ reader: Reader
    ) throws -> Set<UserID> {
        let one = try bench.hides.hiders(of: position, within: bench.horizon, in: store.state.deletes, reader)
        let all = conversation.clears.filter { $0.upTo >= position }.map(\.viewer)
        return one.isEmpty && all.isEmpty ? [] : Set(one + all)
    }
}
