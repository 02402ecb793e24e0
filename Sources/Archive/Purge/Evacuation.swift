import Events
import LMDB
import Ledger
import Projections
import Synchronization
import Vault

/// Seals what must survive under another key, before its own is destroyed. Record, position and commitment stay as they are.
///
/// Runs as often as it likes: what is sealed under another key already is passed by.
struct Evacuation {
    private let core: Core
    private let intent: PurgeIntent
    private let position: Position
    private let judgement: Judgement
    private let dying: Set<KeyID>

    init(_ core: Core, _ intent: PurgeIntent, position: Position) {
        self.core = core
        self.intent = intent
        self.position = position
        judgement = Judgement(core.rules.withLock { $0 }, on: intent)
        dying = Set(intent.keyIDs)
    }

    func run(_ report: (_ done: Int, _ total: Int) -> Void) throws(ArchiveFailure) {
        var ids: [PartitionID] = []
        for line in intent.lines where ids.last?.number != line.partition { ids.append(PartitionID(line.partition)) }
        for (index, id) in ids.enumerated() {
            report(index, ids.count)
            if try hasSurvivors(id) { try evacuate(id) }
        }
    }

    /// What is under the dying keys by the partition's own count, against what is due of it by the intent's.
    private func hasSurvivors(_ id: PartitionID) throws(ArchiveFailure) -> Bool {
        let due = intent.lines.reduce(0) { $0 + ($1.partition == id.number ? $1.messages : 0) }
        var present: UInt64 = 0
        do {
            guard let lease = try core.store.shelf.lease(id) else { throw core.store.missing(id) }
            let partition = lease.partition
            try partition.environment.read { reader in
                var (count, living) = (PresenceCount(), LivingKeys(core.vault))
                // A key of a conversation may be of several partitions: only what is of this one is here.
                let own = dying.filter { core.vault.owner(of: $0)?.partition == id.number }
                try PartitionIndex(in: partition.environment).holdingsAtEase(reader) { holding in
                    count.add(holding.messages, isLiving: living.contains(holding.key))
                    if own.contains(KeyID(holding.key)) { present += holding.messages }
                }
                try count.check(of: partition, reader)
            }
        } catch { throw ArchiveFailure(error) }
        return present != due
    }

    private func evacuate(_ id: PartitionID) throws(ArchiveFailure) {
        do {
            guard let lease = try core.store.shelf.lease(id) else { throw core.store.missing(id) }
            var walk = BodyWalk(of: lease.partition, sliceMax: core.options.purge.sliceBodies)
            while let slice = try walk.next() {
                let survivors = slice.filter { dying.contains($0.key) && fate(of: $0) != .due }
                if survivors.isEmpty { continue }
                try reseal(survivors, in: id)
                core.options.reached(.sliceResealed)
            }
        } catch { throw ArchiveFailure(error) }
    }

    private func fate(of sealed: BodyWalk.Sealed) -> Fate {
        judgement.fate(sealed.tenant, sealed.send.conversation, sealed.send.sender, at: sealed.at, position: sealed.position)
    }

    private func reseal(_ survivors: [BodyWalk.Sealed], in id: PartitionID) throws {
        var keys: [KeyID] = []
        for sealed in survivors { keys.append(try key(for: sealed, in: id)) }
        // Durable before anything is sealed under it.
        try core.vault.save()
        try core.store.state.environment.write { transaction in
            for key in Set(keys) { try core.store.state.noteKey(key.rawValue, partition: id.number, &transaction) }
        }
        core.options.reached(.keyMade)
        _ = try core.store.shelf.write(to: id, making: false) { partition, transaction in
            let index = PartitionIndex(in: partition.environment)
            for (sealed, key) in zip(survivors, keys) { try reseal(sealed, under: key, of: partition, &transaction) }
            try index.move(zip(survivors, keys).map { ($0.holding, $1.rawValue) }, &transaction)
        }
    }

    private func key(for sealed: BodyWalk.Sealed, in id: PartitionID) throws(ArchiveFailure) -> KeyID {
        let rules = core.rules.withLock { $0 }
        let owner = KeyOwner(choosing: sealed.tenant, sealed.send.conversation, in: id.number, under: rules, now: core.now)
        if let key = core.vault.newest(of: owner, except: dying) { return key }
        do { return try core.vault.make(for: owner) } catch { throw .vault(error) }
    }

    private func reseal(
        _ sealed: BodyWalk.Sealed, under key: KeyID, of partition: Partition, _ transaction: inout WriteTransaction
    ) throws {
        let place = sealed.position.key
        guard let record = try transaction.lend(place.span.bytes, in: partition.trail, to: { $0.withUnsafeBytes { [UInt8]($0) } }),
            let stored = try transaction.lend(place.span.bytes, in: partition.bodies, to: { $0.withUnsafeBytes { [UInt8]($0) } }),
            let resealed = core.vault.resealed(stored, under: key, at: sealed.position, record: record)
        else {
            throw ArchiveFailure.damaged(
                place: partition.environment.path, .malformed("body at \(sealed.position), which cannot be opened and must be kept"))
        }
        try partition.putBody(sealed.position, resealed.span.bytes, &transaction)
    }
}

extension BodyWalk.Sealed {
    fileprivate var holding: PartitionIndex.Holding {
        PartitionIndex.Holding(
            key: key.rawValue, tenant: tenant, conversation: send.conversation, sender: send.sender, messages: 1,
            bytes: UInt64(send.bodyBytes), first: at, last: at)
    }
}

extension Vault {
    /// A stored body under another key; nil if it does not open.
    fileprivate func resealed(
        _ stored: [UInt8], under key: KeyID, at position: Position, record: [UInt8]
    ) -> [UInt8]? {
        var sealed = [UInt8](repeating: 0, count: stored.count)
        let isOpen: Bool? = record.withUnsafeBytes { record in
            stored.withUnsafeBytes { stored in
                StoredBody.withPlain(of: stored, at: position, record: record, with: self) { plain in
                    guard let plain else { return false }
                    sealed.withUnsafeMutableBytes { room in
                        UnsafeMutableRawBufferPointer(rebasing: room[SealedBody.prefixBytes...]).copyMemory(from: plain)
                        // Never sealed under this key before, so the position alone makes the nonce.
                        seal(room, under: key, noncePrefix: 0, position: position, record: record)
                    }
                    return true
                }
            }
        }
        return isOpen == true ? sealed : nil
    }
}
