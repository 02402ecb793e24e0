import Glibc

/// The vault's folder: the keyring, the one that is to replace it (`.new`), and the one that was replaced (`.old`).
struct VaultFolder: Sendable {
    let path: String

    var keyring: String { path + "/keyring" }
    var next: String { keyring + ".new" }
    var old: String { keyring + ".old" }
    /// What is known of the escrow.
    var escrowed: String { path + "/escrowed" }

    /// Makes the folder if it is not there. Its parent must be.
    func make() throws(VaultFailure) {
        if unsafe mkdir(path, 0o700) == 0 { return try VaultFile.syncFolder(of: path) }
        if errno != EEXIST { throw .last("mkdir", path) }
    }

    func sync() throws(VaultFailure) { try VaultFile.syncFolder(path) }

    func isThere(_ file: String) -> Bool { unsafe access(file, F_OK) == 0 }

    /// Puts the next keyring in the place of the current one, which stays under another name. Not durable before `sync`.
    func swap() throws(VaultFailure) {
        if unsafe link(keyring, old) == -1 { throw .last("link", old) }
        try VaultFile.rename(next, keyring)
    }

    func removeNext() throws(VaultFailure) {
        guard isThere(next) else { return }
        try VaultFile.overwrite(next)
        try VaultFile.remove(next)
        try sync()
    }

    func overwriteOld() throws(VaultFailure) {
        // A crash between link and rename leaves the keyring itself under both names.
        if try !isOldTheKeyring() { try VaultFile.overwrite(old) }
    }

    func removeOld() throws(VaultFailure) {
        guard isThere(old) else { return }
        try VaultFile.remove(old)
        try sync()
    }

    private func isOldTheKeyring() throws(VaultFailure) -> Bool {
        guard let current = try VaultFile(ifThere: keyring, O_RDONLY)?.status(),
            let other = try VaultFile(ifThere: old, O_RDONLY)?.status()
        else { return false }
        return current.st_ino == other.st_ino && current.st_dev == other.st_dev
    }
}
