import Synchronization

/// The boundaries between the steps of a shred, in their order. At `keyringSwapped` it is decided: from there on a crash finishes it.
package enum ShredStep: String, CaseIterable, Sendable {
    case rootStaged
    case keyringWritten
    /// The new keyring has its name, but not durably.
    case keyringRenamed
    case keyringSwapped
    /// The old root key is overwritten; the new one is not yet in its place. A command does not tell, and counts as adopted then.
    case rootOverwritten
    case rootAdopted
    case keyringOverwritten
    case keyringRemoved
    /// The keys are no longer in memory either.
    case keysWiped
}

extension Vault {
    /// Destroys keys: what was sealed under them is gone for ever, and so is every older copy of the keyring, whose root key goes too.
    ///
    /// Ids that are not there are left out; with none left, only an unfinished shred is finished. Sealing and opening go on meanwhile,
    /// and the keys that die open what they sealed until the end. If this throws before the new keyring is in its place, nothing has
    /// happened; afterwards the keys are gone, and calling it again finishes the rest.
    /// - Parameter reached: told each boundary. It may end the process, and must not call the vault.
    package func shred(_ ids: Set<KeyID>, reached: (ShredStep) -> Void) throws(VaultFailure) {
        if ids.isEmpty { return }
        try desk.withLock { (desk) throws(VaultFailure) in
            try desk.check()
            if desk.isUnfinished { try finish(&desk, reached) }
            let dead = shelf.withLock { shelf in ids.filter { shelf.contains($0) } }
            if dead.isEmpty { return }
            try replace(&desk, leavingOut: dead, reached)
            // Whatever fails from here on, these keys are in no keyring any more.
            defer {
                shelf.withLock { $0.remove(dead) }
                reached(.keysWiped)
            }
            try finish(&desk, reached)
        }
    }

    /// Writes a keyring without the dead under a new root, and puts it in the place of the old one, durably.
    private func replace(_ desk: inout Desk, leavingOut dead: Set<KeyID>, _ reached: (ShredStep) -> Void) throws(VaultFailure) {
        let root = try RootKey.random()
        try source.stage(root)
        reached(.rootStaged)
        desk.keyring = try swapped(leavingOut: dead, nextKey: desk.next, under: root, reached)
        desk.root = root
        desk.isUnfinished = true
        reached(.keyringRenamed)
        do throws(VaultFailure) {
            try folder.sync()
        } catch {
            // Which of the two keyrings a crash would leave is unknown, so neither root may go and nothing may be appended.
            desk.trouble = error
            throw error
        }
        shelf.withLock { $0.noteSaved() }
        reached(.keyringSwapped)
    }

    /// The next keyring, in its place. If that fails, nothing has happened.
    private func swapped(
        leavingOut dead: Set<KeyID>, nextKey: KeyID, under root: RootKey, _ reached: (ShredStep) -> Void
    ) throws(VaultFailure) -> Keyring {
        do throws(VaultFailure) {
            try folder.removeNext()
            let survivors = shelf.withLock { $0.entries(except: dead) }
            var keyring = try unsafe Keyring.write(folder.next, survivors, nextKey: nextKey, under: root, instance: instance) {
                unsafe copyKey($0, into: $1)
            }
            try folder.sync()
            reached(.keyringWritten)
            try folder.swap()
            keyring.path = folder.keyring
            return keyring
        } catch {
            try folder.overwriteOld()
            try folder.removeOld()
            try folder.removeNext()
            try source.forgetStaged()
            throw error
        }
    }

    /// Destroys the old root key, then what it opened.
    private func finish(_ desk: inout Desk, _ reached: (ShredStep) -> Void) throws(VaultFailure) {
        try source.adopt { reached(.rootOverwritten) }
        reached(.rootAdopted)
        try folder.overwriteOld()
        reached(.keyringOverwritten)
        try folder.removeOld()
        reached(.keyringRemoved)
        desk.isUnfinished = false
    }
}
