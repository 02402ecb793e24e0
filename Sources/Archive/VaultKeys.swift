import Events
import LMDB
import Projections
import Synchronization
import Vault

extension DataFolder {
    /// Opens the vault, and makes one for an archive that has nothing in it yet.
    func openVault(_ options: ArchiveOptions, mayBeNew: Bool) throws(ArchiveFailure) -> Vault {
        // A refused start leaves nothing behind, not even an empty folder.
        if mayBeNew { try Self.makeFolder(vault) }
        do {
            let root: any RootKeySource = options.rootKey ?? RootKeyFile(vault + "/root.key")
            return try Vault.open(folder: vault, instance: identity.instance, root: root, escrow: options.escrow, mayBeNew: mayBeNew)
        } catch { throw .vault(error) }
    }
}

extension Core {
    /// Finishes or undoes what a crash left of the vault, once it is certain that this keyring is the log's: a refused start writes nothing.
    /// Returns how many keys were in it that receipts say are destroyed.
    func settleVault(unfolded: Set<KeyID>) throws(ArchiveFailure) -> Int {
        try checkKeys(and: unfolded)
        try checkIntents()
        do {
            try vault.checkEscrow()
            try vault.settle()
            let undead = try undeadKeys()
            try vault.shred(undead, now: now) { _ in }
            // Before any receipt: an older escrow opens what an open intent has destroyed.
            _ = try vault.renewEscrow(now: now)
            return undead.count
        } catch let failure as VaultFailure { throw .vault(failure) } catch { throw ArchiveFailure(error) }
    }

    /// A keyring of before a purge, put back with the root key of then, opens what the receipt says is destroyed.
    private func undeadKeys() throws -> Set<KeyID> {
        let destroyed = rules.withLock { $0.purges.destroyed(through: tail.end) }
        let intents = try store.state.environment.read { reader in try store.state.intents(reader) }
        let keys = intents.filter { destroyed.contains($0.position) }.flatMap(\.intent.keyIDs)
        return Set(keys.filter { vault.contains($0) })
    }

    /// The keys of an intent are destroyed together, or not at all.
    private func checkIntents() throws(ArchiveFailure) {
        for (position, intent) in rules.withLock({ $0.purges.open }) {
            let gone = intent.keyIDs.count { !vault.contains($0) }
            if gone == 0 || gone == intent.keyIDs.count { continue }
            throw .folder(
                path: folder.vault,
                reason: "lacks \(gone) of the \(intent.keyIDs.count) keys that the intent at \(position) names, "
                    + "and they are only destroyed together; restore the keyring from its escrow")
        }
    }

    /// Makes sure that no key is missing which the log needs: one that is in use, and that no purge has destroyed.
    private func checkKeys(and unfolded: Set<KeyID>) throws(ArchiveFailure) {
        do {
            let known = try store.state.environment.read { reader in try store.state.keys(reader) }
            // Keys that were there when the keyring was last written whole, and are not now, were destroyed: by a purge of this log, or of
            // the log that this one is an older copy of. Those that came later can only have been lost.
            let sure = vault.lastRewrittenBelow
            var missing = Set(known.map { KeyID($0.0) }).union(unfolded).filter { $0 >= sure && !vault.contains($0) }
            if missing.isEmpty { return }
            // Bodies whose key was destroyed stay until they are reclaimed.
            let intents = try store.state.environment.read { reader in try store.state.intents(reader) }
            let open = rules.withLock { $0.purges.open }
            for (_, intent) in intents + open { missing.subtract(intent.keyIDs) }
            guard let first = missing.min() else { return }
            throw ArchiveFailure.folder(
                path: folder.vault + "/keyring",
                reason: "lacks \(missing.count) of the keys that the log needs (the first is \(first.rawValue)); restore it from its escrow"
            )
        } catch { throw ArchiveFailure(error) }
    }
}
