package import Events
import Synchronization

/// The boundaries between the steps of a shred, in their order. At `keyringSwapped` it is decided: from there on a crash finishes it.
package enum ShredStep: String, CaseIterable, Sendable {
    case rootStaged
    case keyringWritten
    /// The next escrow lies beside the old one, if there is to be one.
    case escrowStaged
    /// The new keyring has its name, but not durably.
    case keyringRenamed
    case keyringSwapped
    /// The old root key is overwritten; the new one is not yet in its place. A command does not tell, and counts as adopted then.
    case rootOverwritten
    case rootAdopted
    case keyringOverwritten
    case keyringRemoved
    /// The old escrow is overwritten, and then replaced.
    case escrowOverwritten
    case escrowReplaced
    /// The keys are no longer in memory either.
    case keysWiped
}

extension Vault {
    /// Destroys keys: what was sealed under them is gone for ever, and so is every older copy of the keyring, whose root key goes too.
    ///
    /// Ids that are not there are left out; with none left, only an unfinished shred is finished. Sealing, opening and making keys go on
    /// meanwhile, and the keys that die open what they sealed until the end. If this throws before the new keyring is in its place,
    /// nothing has happened; afterwards the keys are gone, and calling it again finishes the rest.
    ///
    /// Where there is an escrow it is replaced as well, for an older one opens what was destroyed. If the one that was made last is not at
    /// its place, nothing is destroyed.
    /// - Parameters:
    ///   - now: what the escrow says of when it was made.
    ///   - reached: told each boundary. It may end the process, and must not make or save keys.
    package func shred(_ ids: Set<KeyID>, now: Instant, reached: (ShredStep) -> Void) throws(VaultFailure) {
        if ids.isEmpty { return }
        try shears.withLock { (shears) throws(VaultFailure) in
            if shears.isUnfinished { try finish(&shears, reached) }
            let dead = shelf.withLock { shelf in ids.filter { shelf.contains($0) } }
            if dead.isEmpty { return }
            do throws(VaultFailure) {
                try replace(&shears, leavingOut: dead, now, reached)
                try finish(&shears, reached)
            } catch {
                if shears.isUnfinished { wipe(dead, reached) }
                throw error
            }
            wipe(dead, reached)
        }
    }

    /// These keys are in no keyring any more.
    private func wipe(_ dead: Set<KeyID>, _ reached: (ShredStep) -> Void) {
        desk.withLock { _ in shelf.withLock { $0.remove(dead) } }
        reached(.keysWiped)
    }

    /// Writes a keyring without the dead under a new root, and puts it in the place of the old one, durably.
    private func replace(
        _ shears: inout Shears, leavingOut dead: Set<KeyID>, _ now: Instant, _ reached: (ShredStep) -> Void
    ) throws(VaultFailure) {
        try desk.withLock { (desk) throws(VaultFailure) in try desk.check() }
        try requireEscrow(&shears)
        let root = try RootKey.random()
        // Its keeper may take seconds: nobody else waits for him.
        try source.stage(root)
        reached(.rootStaged)
        do throws(VaultFailure) {
            var next: Keyring? = try write(&shears, leavingOut: dead, under: root, now, reached)
            // Once more, while nothing has happened yet.
            try requireEscrow(&shears)
            try swap(&shears, &next, leavingOut: dead, under: root, reached)
        } catch {
            if !shears.isUnfinished { try undo(&shears) }
            throw error
        }
    }

    /// The next keyring and the next escrow, each beside the current one.
    private func write(
        _ shears: inout Shears, leavingOut dead: Set<KeyID>, under root: RootKey, _ now: Instant, _ reached: (ShredStep) -> Void
    ) throws(VaultFailure) -> Keyring {
        try folder.removeNext()
        let (survivors, nextKey) = desk.withLock { desk in (shelf.withLock { $0.entries(except: dead) }, desk.next) }
        let image = try image(of: survivors, nextKey, under: root)
        let keyring = try Keyring.write(folder.next, image)
        reached(.keyringWritten)
        if escrow != nil {
            // Before anything is destroyed: where it cannot be written, nothing is.
            try stageEscrow(&shears, image, under: root, now)
            reached(.escrowStaged)
        }
        return keyring
    }

    /// Puts the next keyring in the place of the current one, with the keys that were made since it was written.
    private func swap(
        _ shears: inout Shears, _ next: inout Keyring?, leavingOut dead: Set<KeyID>, under root: RootKey, _ reached: (ShredStep) -> Void
    ) throws(VaultFailure) {
        try desk.withLock { (desk) throws(VaultFailure) in
            try desk.check()
            guard var keyring = next.take() else { return }
            let late = shelf.withLock { $0.entries(except: dead) }.filter { $0.id >= keyring.header.nextKey }
            if !late.isEmpty { try unsafe keyring.append(late, under: root) { unsafe copyKey($0, into: $1) } }
            try folder.sync()
            try folder.swap()
            keyring.path = folder.keyring
            desk.keyring = keyring
            desk.root = root
            shears.isUnfinished = true
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
    }

    /// Nothing has happened: what was begun goes.
    private func undo(_ shears: inout Shears) throws(VaultFailure) {
        // In its file it may stay: a file that was never at the escrow's place is not missed there.
        shears.note.next = nil
        try folder.overwriteOld()
        try folder.removeOld()
        try folder.removeNext()
        try source.forgetStaged()
        try escrow?.forgetStaged()
    }

    /// Destroys the old root key, then what it opened.
    private func finish(_ shears: inout Shears, _ reached: (ShredStep) -> Void) throws(VaultFailure) {
        // After a failed sync it is unknown which keyring is there, and both roots are needed.
        try desk.withLock { (desk) throws(VaultFailure) in try desk.check() }
        try source.adopt { reached(.rootOverwritten) }
        reached(.rootAdopted)
        try folder.overwriteOld()
        reached(.keyringOverwritten)
        try folder.removeOld()
        reached(.keyringRemoved)
        if shears.note.next != nil {
            try adoptEscrow(&shears) { reached(.escrowOverwritten) }
            reached(.escrowReplaced)
        }
        shears.isUnfinished = false
    }
}
