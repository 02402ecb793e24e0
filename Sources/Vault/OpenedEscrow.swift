package import Events
import Glibc

/// An escrow that was opened with the operator's secret key.
package struct OpenedEscrow: Sendable {
    private let header: EscrowHeader
    private let root: RootKey
    private let keyring: [UInt8]

    package var instance: String { header.instance }
    package var keys: Int { header.keys }
    package var madeAt: Instant { header.madeAt }

    /// Reads and opens an escrow. One that is damaged, or sealed to another key, is refused.
    package init(opening path: String, with secret: EscrowSecretKey) throws(VaultFailure) {
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { throw .refused(path: path, reason: "is not there; name the escrow") }
        let header = try EscrowHeader(decoding: file.bytes(at: 0, countMax: EscrowHeader.byteCountMax), path: path)
        guard header.recipient == secret.publicKey else {
            throw .refused(
                path: path,
                reason: "is sealed to the public key \(header.recipient), and this secret key's is \(secret.publicKey); take the other")
        }
        let head = header.encoded
        let rest = head.count + Escrow.sealedBytes
        guard try Int(file.status().st_size) == rest + header.keyringBytes else { throw Self.damaged(path) }
        let bytes = try file.bytes(at: 0, countMax: rest + header.keyringBytes)
        keyring = Array(bytes[rest...])
        root = try Self.root(in: bytes[head.count..<rest], of: head + keyring, with: secret, path)
        self.header = header
    }

    private static func root(
        in sealed: ArraySlice<UInt8>, of content: [UInt8], with secret: EscrowSecretKey, _ path: String
    ) throws(VaultFailure) -> RootKey {
        let plain = try LockedMemory(byteCount: Escrow.secretBytes)
        guard unsafe secret.open(sealed, into: plain.bytes),
            unsafe plain.bytes[RootKey.byteCount...].elementsEqual(Escrow.digest(content))
        else { throw damaged(path) }
        let key = unsafe UnsafeRawBufferPointer(plain.bytes.part(..<RootKey.byteCount))
        return try unsafe RootKey { (bytes) throws(VaultFailure) in unsafe bytes.copyMemory(from: key) }
    }

    private static func damaged(_ path: String) -> VaultFailure {
        .refused(path: path, reason: "is damaged: it is not what was written there; use another copy of it")
    }

    /// Writes `keyring` and the root key to places where neither is, durably. If it fails it leaves nothing behind, so that it can be tried
    /// again.
    /// - Parameters:
    ///   - folder: where the keyring goes; made if it is not there.
    ///   - source: where the root key goes; nil: to `root.key` beside it.
    ///   - givesUpLaterKeys: whether keys that were made after the escrow, and are in no keyring any more, shall count as destroyed: else an
    ///     archive that needs one of them does not start.
    package func restore(
        to folder: String, root source: (any RootKeySource)? = nil, givesUpLaterKeys: Bool = false
    ) throws(VaultFailure) {
        let vault = VaultFolder(path: folder)
        let source = source ?? RootKeyFile(folder + "/root.key")
        let found = try source.candidates()
        // A program may keep what it was given when this failed the last time.
        guard found.current == nil, found.staged.map({ $0.id == root.id }) ?? true, found.fault == nil else {
            throw .refused(
                path: source.place, reason: "holds a root key already, which is not replaced; name another place, or move it away")
        }
        try vault.make()
        let file = try VaultFile(making: vault.keyring)
        do throws(VaultFailure) {
            try write(to: file, in: vault, givesUpLaterKeys: givesUpLaterKeys)
            try source.stage(root)
            // Last: a root key that is there is never taken away again.
            try source.adopt(overwritten: {})
        } catch {
            try VaultFile.remove(vault.keyring)
            try vault.removeNext()
            try source.forgetStaged()
            throw error
        }
    }

    private func write(to file: borrowing VaultFile, in vault: VaultFolder, givesUpLaterKeys: Bool) throws(VaultFailure) {
        try file.write(keyring[...], at: 0)
        try file.syncWhole()
        try check(vault.keyring)
        if givesUpLaterKeys { try giveUpLaterKeys(in: vault) }
        try vault.sync()
    }

    /// As a start will read it. Whoever knows the public key can seal an escrow, so its keyring is as little trusted as any bytes.
    private func check(_ path: String) throws(VaultFailure) {
        var ids: Set<KeyID> = []
        var count = 0
        guard var restored = try Keyring(opening: path), restored.header.instance == instance, restored.header.root == root.id else {
            throw Self.damaged(path)
        }
        try unsafe restored.read(under: root) { entry, _ in
            ids.insert(entry.id)
            count += 1
        }
        guard count == keys, ids.count == count, try !restored.hasTornEnd() else { throw Self.damaged(path) }
    }

    /// Writes the keyring anew, as one that was written when many more keys had been made than it has: so they count as destroyed.
    private func giveUpLaterKeys(in vault: VaultFolder) throws(VaultFailure) {
        guard var restored = try Keyring(opening: vault.keyring) else { throw Self.damaged(vault.keyring) }
        var shelf = try KeyShelf()
        try unsafe restored.read(under: root) { (entry, key) throws(VaultFailure) in
            try unsafe shelf.add(entry.id, entry.owner, isSaved: true) { unsafe $0.copyMemory(from: key) }
        }
        let nextKey = KeyID(header.nextKey.rawValue + Self.laterKeysMax)
        let image = try unsafe Keyring.Image(of: shelf.entries(), nextKey: nextKey, under: root, instance: instance) { id, room in
            _ = unsafe shelf.withKey(id) { unsafe room.copyMemory(from: $0) }
        }
        _ = try Keyring.write(vault.next, image)
        try VaultFile.rename(vault.next, vault.keyring)
    }

    /// More than are made in the time in which an escrow fails and nobody looks.
    private static let laterKeysMax: UInt64 = 1 << 32
}
