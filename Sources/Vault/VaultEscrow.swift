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
            shears.note = try EscrowNote(readingFrom: folder.escrowed) ?? EscrowNote()
            let found = try look(&shears, escrow)
            switch found {
            case .whole(let mark), .damaged(let mark): try check(mark.header, at: escrow.path)
            case .another(let there): try check(there, at: escrow.path)
            case .nothing, .overwritten: break
            }
            try requireInPlace(found, shears.note, escrow)
            // A vault that was restored has no note yet.
            if case .another(let there) = found { shears.note.known = EscrowMark(header: there, digest: EscrowMark.unread) }
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
    package var escrowMadeAt: Instant? { shears.withLock { $0.note.known?.header.madeAt } }

    /// Replaces the escrow, unless it is whole and holds just what the keyring does. Returns whether it did. Without a place for one it does
    /// nothing.
    ///
    /// Keys that are not saved are left out: after a crash their ids would be given to others.
    package func renewEscrow(now: Instant) throws(VaultFailure) -> Bool {
        guard let escrow else { return false }
        return try shears.withLock { (shears) throws(VaultFailure) in
            let (entries, nextKey, root) = try saved()
            let found = try look(&shears, escrow)
            let isDeleted = try isDeleted(found, shears, escrow)
            if !isDeleted { try requireInPlace(found, shears.note, escrow) }
            if case .whole(let there) = found, there.header.holds(entries.count, below: nextKey, under: root.id, for: escrow.recipient) {
                try escrow.forgetStaged()
                return false
            }
            let fault = fault(of: found, shears.note, escrow)
            try stageEscrow(&shears, image(of: entries, nextKey, under: root), under: root, now, isDeleted: isDeleted)
            try adoptEscrow(&shears) {}
            if let fault { shears.escrowFault = fault }
            return true
        }
    }

    /// Makes sure that a shred could replace the escrow: writes one beside it, and destroys that again. Throws what a shred would throw.
    package func proveEscrow(now: Instant) throws(VaultFailure) {
        guard let escrow else { return }
        try shears.withLock { (shears) throws(VaultFailure) in
            try requireEscrow(&shears)
            // What an unfinished shred has staged is needed yet.
            if shears.isUnfinished { return }
            let (entries, nextKey, root) = try saved()
            _ = try escrow.stage(image(of: entries, nextKey, under: root), root: root, now: now)
            try escrow.forgetStaged()
        }
    }

    private func saved() throws(VaultFailure) -> ([KeyringBox.Entry], KeyID, RootKey) {
        try desk.withLock { (desk) throws(VaultFailure) in
            try desk.check()
            let (unsaved, entries) = shelf.withLock { ($0.unsaved, $0.entries(except: $0.unsaved)) }
            return (entries, unsaved.min() ?? desk.next, desk.root)
        }
    }

    /// Whether it was taken out of a folder that is still the same: on a device that went, it would still be whole.
    private func isDeleted(_ found: Escrow.Found, _ shears: Shears, _ escrow: Escrow) throws(VaultFailure) -> Bool {
        guard found == .nothing, shears.note.known != nil, let folder = try escrow.folder() else { return false }
        return folder == shears.escrowFolder
    }

    private func fault(of found: Escrow.Found, _ note: EscrowNote, _ escrow: Escrow) -> VaultFailure? {
        switch found {
        case .damaged(let mark) where mark.digest != EscrowMark.unread: break
        // Not by a replacement that was cut short.
        case .overwritten where note.next == nil: break
        default: return nil
        }
        return .refused(path: escrow.path, reason: "was damaged, and is written anew; see what is wrong with its disk")
    }

    /// What an operator must know of the escrow although it could be written: what was mended since he was told, and what is lost.
    package func takeEscrowFault() -> VaultFailure? {
        shears.withLock { shears in
            defer { shears.escrowFault = nil }
            return shears.escrowFault ?? lossOfEscrow(shears.note)
        }
    }

    private func lossOfEscrow(_ note: EscrowNote) -> VaultFailure? {
        guard let escrow, let lost = note.lost else { return nil }
        return .refused(
            path: escrow.path,
            reason: "was written anew, but the escrow that was made at \(lost) was taken away from there, and nothing is purged. "
                + sayingThatItIsLost)
    }

    // MARK: What a renewal and a shred have in common

    /// Throws if something would be left of the escrow that was made last, or of one before it.
    func requireEscrow(_ shears: inout Shears) throws(VaultFailure) {
        guard let escrow else { return }
        try requireInPlace(look(&shears, escrow), shears.note, escrow)
        if let loss = lossOfEscrow(shears.note) { throw loss }
    }

    private func look(_ shears: inout Shears, _ escrow: Escrow) throws(VaultFailure) -> Escrow.Found {
        let found = try escrow.find(shears.note.marks, readingAll: !shears.isEscrowRead)
        shears.note.settle(found)
        if case .whole = found { shears.isEscrowRead = true }
        if found != .nothing { shears.escrowFolder = try escrow.folder() }
        return found
    }

    private func requireInPlace(_ found: Escrow.Found, _ note: EscrowNote, _ escrow: Escrow) throws(VaultFailure) {
        guard let known = note.known, !note.isInPlace(found) else { return }
        let what = found == .nothing ? "holds no escrow, although one was made" : "is not the escrow that was made last,"
        throw .refused(
            path: escrow.path, reason: "\(what) at \(known.header.madeAt): mount its device, or put it back. " + sayingThatItIsLost)
    }

    private var sayingThatItIsLost: String {
        "If it is lost, see that no copy of it is left, for it opens what is purged later; then stop the daemon, "
            + "remove \(folder.escrowed), and start again"
    }

    /// Writes the next escrow beside the one that is there, or that was deleted.
    func stageEscrow(
        _ shears: inout Shears, _ image: Keyring.Image, under root: RootKey, _ now: Instant, isDeleted: Bool = false
    ) throws(VaultFailure) {
        guard let escrow else { return }
        shears.note.next = try escrow.stage(image, root: root, now: now)
        if isDeleted, let known = shears.note.known {
            shears.note.lost = known.header.madeAt
            shears.note.known = nil
        }
        try shears.note.write(to: folder.escrowed)
    }

    /// Puts it in its place. May be called again after it failed.
    func adoptEscrow(_ shears: inout Shears, overwritten: () -> Void) throws(VaultFailure) {
        guard let escrow, let next = shears.note.next else { return }
        try requireInPlace(look(&shears, escrow), shears.note, escrow)
        shears.escrowFolder = try escrow.folder()
        try escrow.adopt(next, overwritten: overwritten)
        let note = EscrowNote(known: next, lost: shears.note.lost)
        try note.write(to: folder.escrowed)
        shears.note = note
        shears.isEscrowRead = true
    }
}
