import CSodium
package import Events
import Synchronization

/// The keys that bodies are sealed under, and the keyring in which they are kept.
///
/// Three locks, taken in this order. `shears` is for whoever destroys keys, and may be held as long as the root key's keeper takes.
/// `desk` is for whoever makes keys, saves them, or lays another keyring in the place of the old one: as long as the disk takes.
/// `shelf` is held for the microseconds of a seal or an opening. So a shred keeps no reader waiting, and nobody who needs a new key.
/// Every key is in locked memory and nowhere else.
package final class Vault: Sendable {
    let shelf: Mutex<KeyShelf>
    let desk: Mutex<Desk>
    let shears = Mutex(Shears())
    let folder: VaultFolder
    let source: any RootKeySource
    /// Where the second copy of root key and keyring lies; nil: there is none.
    let escrow: Escrow?
    let instance: String

    /// What is on disk, and what is not finished there.
    struct Desk: ~Copyable, Sendable {
        var keyring: Keyring
        var root: RootKey
        /// The id that the next key gets. It never falls.
        var next: KeyID
        /// What a crash left and nobody has settled yet.
        var leftover: Leftover?
        /// A failure after which nobody knows what is on disk.
        var trouble: VaultFailure?
    }

    /// Where the shred of the moment, or the last one, is.
    struct Shears: Sendable {
        /// Whether it has passed the point of no return, and not destroyed yet what it leaves behind.
        var isUnfinished = false
        /// The escrow that is there, and the one that is to take its place.
        var note = EscrowNote()
        /// Whether all of it was read since the start, or written since.
        var isEscrowRead = false
        /// Where it was last.
        var escrowFolder: Escrow.Folder?
        /// What was wrong with it, and is mended, but not told yet.
        var escrowFault: VaultFailure?
    }

    init(_ shelf: consuming KeyShelf, _ desk: consuming Desk, _ place: Place) {
        self.shelf = Mutex(shelf)
        self.desk = Mutex(desk)
        folder = place.folder
        source = place.source
        escrow = place.escrow
        instance = place.instance
    }

    /// Whose vault it is, and where its parts lie.
    struct Place {
        var folder: VaultFolder
        var source: any RootKeySource
        var escrow: Escrow?
        var instance: String
    }

    // MARK: What keys there are

    /// The key of an owner that was made last, leaving out those that are about to be destroyed.
    package func newest(of owner: KeyOwner, except retired: Set<KeyID>) -> KeyID? {
        shelf.withLock { $0.newest(of: owner, except: retired) }
    }

    package func contains(_ id: KeyID) -> Bool { shelf.withLock { $0.contains(id) } }

    package func owner(of id: KeyID) -> KeyOwner? { shelf.withLock { $0.owner(of: id) } }

    /// The keys of a partition, by id.
    package func keys(of partition: Int32) -> [(id: KeyID, owner: KeyOwner)] { allKeys.filter { $0.owner.partition == partition } }

    /// Every key, by id.
    package var allKeys: [(id: KeyID, owner: KeyOwner)] { shelf.withLock { $0.entries().map { ($0.id, $0.owner) } } }

    /// The keyring was written whole when all keys below this had been made: one of them that is not there was destroyed, not lost.
    package var lastRewrittenBelow: KeyID { desk.withLock { $0.keyring.header.nextKey } }

    package var count: Int { shelf.withLock { $0.count } }

    /// Whether the system keeps the keys out of swap. If not, the operator should allow more locked memory (`LimitMEMLOCK=`).
    package var isMemoryLocked: Bool { desk.withLock { $0.root.isMemoryLocked } && shelf.withLock { $0.isMemoryLocked } }

    /// Lends the bytes of a key; nil if there is none. For the escrow, and for tests that look for keys where none may be.
    package func withRawKey<Result: Sendable>(_ id: KeyID, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        shelf.withLock { shelf in unsafe shelf.withKey(id) { unsafe body($0) } }
    }

    // MARK: Making and saving

    /// Makes a key. It is lost unless `save` succeeds before what was sealed under it is durable. Goes on during a shred, which takes it
    /// into the new keyring.
    package func make(for owner: KeyOwner) throws(VaultFailure) -> KeyID {
        try desk.withLock { (desk) throws(VaultFailure) in
            try desk.check()
            let id = desk.next
            try shelf.withLock { (shelf) throws(VaultFailure) in
                try unsafe shelf.add(id, owner, isSaved: false) { unsafe Sodium.fillRandomly($0) }
            }
            desk.next = KeyID(id.rawValue + 1)
            return id
        }
    }

    package var hasUnsaved: Bool { shelf.withLock { !$0.unsaved.isEmpty } }

    /// Makes new keys durable: appends them to the keyring. Does nothing if there are none. After a failure nothing more can be saved,
    /// unless it is `.full`.
    package func save() throws(VaultFailure) {
        try desk.withLock { (desk) throws(VaultFailure) in
            let entries = shelf.withLock { $0.unsavedEntries() }
            if entries.isEmpty { return }
            try desk.check()
            do throws(VaultFailure) {
                try unsafe desk.keyring.append(entries, under: desk.root) { unsafe copyKey($0, into: $1) }
            } catch {
                if case .full = error { throw error }
                desk.trouble = error
                throw error
            }
            shelf.withLock { $0.noteSaved() }
        }
    }

    /// A key that nobody removes meanwhile: whoever asks holds the desk, or the shears and spares it.
    func copyKey(_ id: KeyID, into room: UnsafeMutableRawBufferPointer) {
        let isThere: Void? = shelf.withLock { shelf in unsafe shelf.withKey(id) { unsafe room.copyMemory(from: $0) } }
        precondition(isThere != nil, "because only a shred removes keys, and no others than it destroys")
    }

    /// A keyring with these keys. Whoever asks holds the shears, so they stay.
    func image(of entries: [KeyringBox.Entry], _ nextKey: KeyID, under root: RootKey) throws(VaultFailure) -> Keyring.Image {
        try unsafe Keyring.Image(of: entries, nextKey: nextKey, under: root, instance: instance) { unsafe copyKey($0, into: $1) }
    }

    // MARK: Sealing and opening

    /// Seals in place: `stored` has 12 bytes of room, the plain bytes, and 16 bytes of room. The key must be there.
    package func seal(
        _ stored: UnsafeMutableRawBufferPointer, under id: KeyID, noncePrefix: UInt32, position: Position, record: UnsafeRawBufferPointer
    ) {
        precondition(stored.count >= SealedBody.overheadBytes, "because a sealed body has a prefix and a tag")
        unsafe stored.storeBytes(of: id.rawValue.bigEndian, as: UInt64.self)
        unsafe stored.storeBytes(of: noncePrefix.bigEndian, toByteOffset: SealedBody.keyIDBytes, as: UInt32.self)
        let box = unsafe stored.part(SealedBody.prefixBytes...)
        let code = shelf.withLock { shelf in
            unsafe SealedBody.withNonce(of: UnsafeRawBufferPointer(stored), at: position) { nonce in
                unsafe shelf.withState(of: id) { state in
                    unsafe crypto_aead_aes256gcm_encrypt_afternm(
                        box.start!, nil, box.start, UInt64(box.count - SealedBody.tagBytes), record.start, UInt64(record.count), nil, nonce,
                        state)
                }
            }
        }
        Sodium.wipeSpills()
        precondition(code == 0, "because nothing is sealed under a key that is gone")
    }

    /// Opens what `seal` made for this position and record into `plain`, which is 28 bytes shorter. Unless it answers `.plain`,
    /// what is there then means nothing.
    package func open(
        _ stored: UnsafeRawBufferPointer, position: Position, record: UnsafeRawBufferPointer, into plain: UnsafeMutableRawBufferPointer
    ) -> Opened {
        guard let id = unsafe SealedBody.keyID(of: stored) else { return .damaged }
        precondition(plain.count == stored.count - SealedBody.overheadBytes, "because the room was measured for the body")
        let box = unsafe UnsafeRawBufferPointer(rebasing: stored[SealedBody.prefixBytes...])
        let code = shelf.withLock { shelf in
            unsafe SealedBody.withNonce(of: stored, at: position) { nonce in
                unsafe shelf.withState(of: id) { state in
                    unsafe crypto_aead_aes256gcm_decrypt_afternm(
                        plain.start, nil, nil, box.start!, UInt64(box.count), record.start, UInt64(record.count), nonce, state)
                }
            }
        }
        Sodium.wipeSpills()
        return code.map { $0 == 0 ? .plain : .damaged } ?? .noKey
    }
}

extension Vault.Desk {
    /// After a failure that left the disk unknown, nothing is written any more.
    func check() throws(VaultFailure) {
        precondition(leftover == nil, "because what a crash left is settled before anything is written")
        if let trouble { throw trouble }
    }
}
