package import Events
import Synchronization

/// The vault's second copy.
///
/// The escrow that was made last is always at its place, or no key is destroyed: an older copy elsewhere would open what they sealed.
extension Vault {
    /// Makes sure that what lies at the escrow's place may be replaced by one of this vault. Nothing is changed.
    ///
    /// One of this archive with newer keys than the vault has is no older copy: the vault is, and the escrow may be all there is of them.
    package func checkEscrow() throws(VaultFailure) {
        guard let escrow else { return }
        try shears.withLock { (shears) throws(VaultFailure) in
            let found = try escrow.find()
            let noted = try EscrowNote(readingFrom: folder.escrowed)
            if case .escrow(let there, _) = found {
                try check(there, at: escrow.path)
                // A vault that was restored has no note yet.
                shears.note = noted ?? EscrowNote(known: there)
            } else {
                shears.note = noted ?? EscrowNote()
            }
            _ = try lookAtEscrow(&shears)
        }
    }

    private func check(_ there: EscrowHeader, at path: String) throws(VaultFailure) {
        guard there.instance == instance else {
            throw .refused(
                path: path, reason: "is the escrow of the archive \(there.instance), not of \(instance); name another file for this one")
        }
        guard there.nextKey <= desk.withLock({ $0.next }) else {
            throw .refused(
                path: path,
                reason: "is an escrow with newer keys than the keyring \(folder.keyring) has, so it is not replaced; "
                    + "restore them with 'annalsd escrow-open', or move it away")
        }
    }

    /// When the escrow that is there was made; nil if there is none.
    package var escrowMadeAt: Instant? { shears.withLock { $0.note.known?.madeAt } }

    /// Replaces the escrow, unless it holds just what the keyring does. Returns whether it did. Without a place for one it does nothing.
    ///
    /// Keys that are not saved are left out: after a crash their ids would be given to others.
    package func renewEscrow(now: Instant) throws(VaultFailure) -> Bool {
        guard let escrow else { return false }
        return try shears.withLock { (shears) throws(VaultFailure) in
            let (entries, nextKey, root) = try saved()
            if case .escrow(let there, _) = try lookAtEscrow(&shears),
                there.holds(entries.count, below: nextKey, under: root.id, for: escrow.recipient)
            {
                try escrow.file.forgetStaged()
                return false
            }
            try stageEscrow(&shears, image(of: entries, nextKey, under: root), under: root, now)
            try adoptEscrow(&shears) {}
            return true
        }
    }

    private func saved() throws(VaultFailure) -> ([KeyringBox.Entry], KeyID, RootKey) {
        try desk.withLock { (desk) throws(VaultFailure) in
            try desk.check()
            let (unsaved, entries) = shelf.withLock { ($0.unsaved, $0.entries(except: $0.unsaved)) }
            return (entries, unsaved.min() ?? desk.next, desk.root)
        }
    }

    // MARK: What a renewal and a shred have in common

    /// What lies at the escrow's place; throws if that is not the escrow which was made last.
    @discardableResult
    func lookAtEscrow(_ shears: inout Shears) throws(VaultFailure) -> Escrow.Found {
        guard let escrow else { return .nothing }
        let found = try escrow.find()
        guard let known = shears.note.known, !shears.note.isInPlace(found) else {
            shears.note.settle(found)
            return found
        }
        let what = found == .nothing ? "holds no escrow, although one was made" : "is not the escrow that was made last,"
        throw .refused(
            path: escrow.path,
            reason: "\(what) at \(known.madeAt): mount its device, or put it back. If it is lost, see that no copy of it is left, "
                + "for it opens what is purged later; then stop the daemon, remove \(folder.escrowed), and start again")
    }

    /// Writes the next escrow beside the one that is there.
    func stageEscrow(
        _ shears: inout Shears, _ image: Keyring.Image, under root: RootKey, _ now: Instant
    ) throws(VaultFailure) {
        guard let escrow else { return }
        shears.note.next = try escrow.stage(image, root: root, now: now)
        try shears.note.write(to: folder.escrowed)
    }

    /// Puts it in its place. May be called again after it failed.
    func adoptEscrow(_ shears: inout Shears, overwritten: () -> Void) throws(VaultFailure) {
        guard let escrow, let next = shears.note.next else { return }
        try lookAtEscrow(&shears)
        try escrow.adopt(next, overwritten: overwritten)
        let note = EscrowNote(known: next)
        try note.write(to: folder.escrowed)
        shears.note = note
    }
}
