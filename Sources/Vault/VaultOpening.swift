import Synchronization

extension Vault {
    /// Opens the vault. One that is there stays as it is until `settle`, which comes before anything else is written: whoever opens it
    /// first looks whether it has the keys that he needs.
    ///
    /// - Parameters:
    ///   - folder: where the keyring is, made for its owner alone.
    ///   - instance: the archive that the keyring belongs to.
    ///   - escrow: where the second copy of both lies; nil: there is none. It is not written here.
    ///   - mayBeNew: whether a keyring, and where needed a root key, is made if there is none.
    ///   - isOnlyRead: nothing is ever sealed by it, and the folder may be one that nobody can write to.
    package static func open(
        folder path: String, instance: String, root source: any RootKeySource, escrow: Escrow? = nil, mayBeNew: Bool,
        isOnlyRead: Bool = false
    ) throws(VaultFailure) -> Vault {
        guard Sodium.hasAES else { throw .noAES }
        let folder = VaultFolder(path: path)
        let place = Place(folder: folder, source: source, escrow: escrow, instance: instance)
        guard let keyring = try Keyring(opening: folder.keyring, isOnlyRead: isOnlyRead) else {
            // A keyring under another name is one that somebody may still want.
            guard mayBeNew, !folder.isThere(folder.old) else { throw .missing(what: "keyring", path: folder.keyring) }
            return try make(in: place)
        }
        return try read(keyring, in: place)
    }

    /// The archive that a keyring belongs to, which it says without any key; nil where there is none.
    package static func instance(ofKeyringIn folder: String) throws(VaultFailure) -> String? {
        try Keyring(opening: VaultFolder(path: folder).keyring, isOnlyRead: true)?.header.instance
    }

    // MARK: The first time

    private static func make(in place: Place) throws(VaultFailure) -> Vault {
        let root = try firstRoot(of: place.source)
        let folder = place.folder
        try folder.make()
        try folder.removeNext()
        let next = KeyID(1)
        let image = try unsafe Keyring.Image(of: [], nextKey: next, under: root, instance: place.instance) { _, _ in }
        var keyring = try Keyring.write(folder.next, image)
        keyring.path = folder.keyring
        try VaultFile.rename(folder.next, folder.keyring)
        try folder.sync()
        return try Vault(KeyShelf(), Desk(keyring: keyring, root: root, next: next), place)
    }

    private static func firstRoot(of source: any RootKeySource) throws(VaultFailure) -> RootKey {
        let candidates = try source.candidates()
        if let current = candidates.current { return current }
        if let fault = candidates.fault { throw fault }
        let root = try RootKey.random()
        try source.stage(root)
        try source.adopt(overwritten: {})
        return root
    }

    // MARK: Every other time

    private static func read(_ keyring: consuming Keyring, in place: Place) throws(VaultFailure) -> Vault {
        var keyring = keyring
        let folder = place.folder
        guard keyring.header.instance == place.instance else {
            throw .refused(
                path: folder.keyring,
                reason: "belongs to the archive \(keyring.header.instance), not to \(place.instance) as annals.json has it; "
                    + "restore the right one from the escrow")
        }
        let (root, isStaged) = try root(of: keyring, in: folder, place.source)
        var shelf = try KeyShelf()
        var next = keyring.header.nextKey
        try unsafe keyring.read(under: root) { (entry, key) throws(VaultFailure) in
            guard !shelf.contains(entry.id) else {
                throw .damaged(path: folder.keyring, offset: 0, reason: "\(entry.id) is in it twice")
            }
            try unsafe shelf.add(entry.id, entry.owner, isSaved: true) { unsafe $0.copyMemory(from: key) }
            next = max(next, KeyID(entry.id.rawValue + 1))
        }
        return Vault(shelf, Desk(keyring: keyring, root: root, next: next, leftover: isStaged ? .adopt : .undo), place)
    }

    /// Which of the source's keys the keyring was written under.
    private static func root(
        of keyring: borrowing Keyring, in folder: VaultFolder, _ source: any RootKeySource
    ) throws(VaultFailure) -> (RootKey, isStaged: Bool) {
        let candidates = try source.candidates()
        if let current = candidates.current, current.id == keyring.header.root { return (current, false) }
        if let staged = candidates.staged, staged.id == keyring.header.root { return (staged, true) }
        if let fault = candidates.fault { throw fault }
        if candidates.current == nil, candidates.staged == nil { throw .missing(what: "root key", path: source.place) }
        throw .wrongRootKey(keyring: folder.keyring, place: source.place)
    }

    /// What an opening finds of a shred that was cut short.
    enum Leftover {
        /// The keyring is of the staged root key: the shred is finished.
        case adopt
        /// It is of the current one: whatever was begun is undone.
        case undo
    }

    /// Finishes a shred whose keyring is in its place, and undoes any other; cuts off a box that a crash tore.
    package func settle() throws(VaultFailure) {
        try desk.withLock { (desk) throws(VaultFailure) in
            guard let leftover = desk.leftover else { return }
            if try desk.keyring.hasTornEnd() { try desk.keyring.removeTornEnd() }
            switch leftover {
            case .adopt:
                // The keyring's new name may not be durable yet, and the root of the old one is about to go.
                try folder.sync()
                try source.adopt(overwritten: {})
            case .undo: try source.forgetStaged()
            }
            try folder.overwriteOld()
            try folder.removeOld()
            try folder.removeNext()
            desk.leftover = nil
        }
    }
}
