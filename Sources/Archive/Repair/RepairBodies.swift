import Events
import LMDB
import Ledger
import Projections
import Vault

/// Chooses the body of an event among those that several files have of it. What a receipt destroyed does not come back.
struct RepairBodies {
    private let rules: RuleBook
    private let partition: Int32
    /// Keys that purges have destroyed.
    private let dead: Set<UInt64>
    private let vault: Vault?
    private(set) var kept: UInt64 = 0
    private(set) var destroyed: UInt64 = 0
    /// Messages whose body none of the files has, and no receipt explains.
    private(set) var lost: [Position] = []
    private(set) var lostCount: UInt64 = 0
    private(set) var keys: Set<KeyID> = []

    private static let lostMax = 20

    init(_ store: Store, of id: PartitionID, vault: Vault?) throws(ArchiveFailure) {
        partition = id.number
        self.vault = vault
        do {
            let environment = store.state.environment
            rules = try environment.read { reader in try store.state.ruleBook(reader) }
            let settled = rules.purges.destroyed(through: .last)
            let intents = try environment.read { reader in try store.state.intents(reader) }
            dead = Set(intents.filter { settled.contains($0.position) }.flatMap { $0.intent.keyIDs.map(\.rawValue) })
        } catch { throw ArchiveFailure(error) }
    }

    /// Empty if there is none.
    mutating func choose(of candidates: [[UInt8]], record: [UInt8], at position: Position) throws(ArchiveFailure) -> [UInt8] {
        let event: Event
        do { event = try Event(decoding: record) } catch { throw .damaged(place: "the record at \(position)", error) }
        guard case .send(let send) = event.deed, let tenant = event.tenant else { return [] }
        for body in ordered(candidates) where isGood(body, of: send, record, at: position) {
            kept += 1
            if let key = body.withUnsafeBytes(SealedBody.keyID(of:)) { keys.insert(key) }
            return body
        }
        if isDestroyed(event, send, tenant) {
            destroyed += 1
        } else {
            lostCount += 1
            if lost.count < Self.lostMax { lost.append(position) }
        }
        return []
    }

    /// Where nothing can be opened, a copy whose pages are sound is better than the file itself, as long as both are sealed under one key.
    private func ordered(_ candidates: [[UInt8]]) -> [[UInt8]] {
        let keys = candidates.map { $0.withUnsafeBytes(SealedBody.keyID(of:)) }
        return vault == nil && Set(keys).count == 1 ? candidates.reversed() : candidates
    }

    private func isGood(_ body: [UInt8], of send: Send, _ record: [UInt8], at position: Position) -> Bool {
        body.withUnsafeBytes { stored in
            guard let key = SealedBody.keyID(of: stored), !dead.contains(key.rawValue),
                stored.count == StoredBody.overheadBytes + Int(send.bodyBytes)
            else { return false }
            guard let vault else { return true }
            let opening = record.withUnsafeBytes { StoredBody.open(stored, of: send, at: position, record: $0, with: vault) }
            switch opening {
            case .body: return true
            // Of a log that is older than its keyring: that the body is there is all that tells why it cannot be read.
            case .gone: return true
            case .damaged: return false
            }
        }
    }

    private func isDestroyed(_ event: Event, _ send: Send, _ tenant: TenantID) -> Bool {
        rules.purges.receipts(of: partition, tenant: tenant).contains { settled in
            Judgement(rules, of: settled).fate(tenant, send.conversation, send.sender, at: event.at, position: event.position) == .due
        }
    }
}
