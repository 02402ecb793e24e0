package import Events
import Synchronization

/// The vault's second copy.
extension Vault {
    /// Makes sure that what lies at the escrow's place may be replaced by one of this vault. Nothing is changed.
    ///
    /// One of this archive with newer keys than the vault has is no older copy: the vault is, and the escrow may be all there is of them.
    package func checkEscrow() throws(VaultFailure) {
        guard let escrow else { return }
        try shears.withLock { (shears) throws(VaultFailure) in
            guard let there = try escrow.header() else { return }
            guard there.instance == instance else {
                throw .refused(
                    path: escrow.path,
                    reason: "is the escrow of the archive \(there.instance), not of \(instance); name another file for this one")
            }
            guard there.nextKey <= desk.withLock({ $0.next }) else {
                throw .refused(
                    path: escrow.path,
                    reason: "is an escrow with newer keys than the keyring \(folder.keyring) has, so it is not replaced; "
                        + "restore them with 'annalsd escrow-open', or move it away")
            }
            shears.escrowed = there
        }
    }

    /// When the escrow that is there was made; nil if there is none.
    package var escrowMadeAt: Instant? { shears.withLock { $0.escrowed?.madeAt } }

    /// Replaces the escrow, unless it holds just what the keyring does. Returns whether it did. Without a place for one it does nothing.
    ///
    /// Keys that are not saved are left out: after a crash their ids would be given to others.
    package func renewEscrow(now: Instant) throws(VaultFailure) -> Bool {
        guard let escrow else { return false }
        return try shears.withLock { (shears) throws(VaultFailure) in
            let (entries, nextKey, root) = try saved()
            var header = header(of: entries, nextKey, under: root, to: escrow, now: now)
            if let there = shears.escrowed, there.isOfSame(as: header) {
                try escrow.file.forgetStaged()
                return false
            }
            let image = try image(of: entries, nextKey, under: root)
            header.keyringBytes = image.bytes.count
            try escrow.stage(header, image, root: root)
            // Nobody knows what is there after a failure.
            shears.escrowed = nil
            try escrow.file.adopt(overwritten: {})
            shears.escrowed = header
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

    /// But for the size of the keyring.
    func header(
        of entries: [KeyringBox.Entry], _ nextKey: KeyID, under root: RootKey, to escrow: Escrow, now: Instant
    ) -> EscrowHeader {
        EscrowHeader(
            madeAt: now, recipient: escrow.recipient, root: root.id, nextKey: nextKey, keys: entries.count, keyringBytes: 0,
            instance: instance)
    }

    /// Whoever asks holds the shears, so these keys stay.
    func image(of entries: [KeyringBox.Entry], _ nextKey: KeyID, under root: RootKey) throws(VaultFailure) -> Keyring.Image {
        try unsafe Keyring.Image(of: entries, nextKey: nextKey, under: root, instance: instance) { unsafe copyKey($0, into: $1) }
    }
}
