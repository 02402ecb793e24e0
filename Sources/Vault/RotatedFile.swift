import Glibc

/// A small secret file and, while it is being replaced, the next one beside it (`.new`).
///
/// Nobody but its owner may read it: with any other mode or owner it is refused before a byte of it is read.
struct RotatedFile: Sendable {
    let path: String
    private var staged: String { path + ".new" }

    /// More than this is in no root key's file.
    private static let bytesMax = 4096

    /// Reads a file and lends its bytes, which lie in locked memory. Nil if it is not there.
    func read<Result>(
        staged isStaged: Bool, _ body: (UnsafeRawBufferPointer) throws(VaultFailure) -> Result
    ) throws(VaultFailure) -> Result? {
        let path = isStaged ? staged : path
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { return nil }
        try Self.check(file.status(), of: path)
        let memory = try LockedMemory(byteCount: Self.bytesMax)
        let count = try unsafe file.read(into: memory.bytes, at: 0)
        return try unsafe body(UnsafeRawBufferPointer(memory.bytes.part(..<count)))
    }

    private static func check(_ status: stat, of path: String) throws(VaultFailure) {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .refused(path: path, reason: "is no regular file, and a key must lie in one; name another path")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .refused(path: path, reason: "belongs to user \(status.st_uid); give it to the daemon's user: chown \(geteuid()) \(path)")
        }
        let mode = status.st_mode & 0o7777
        guard mode == 0o400 || mode == 0o600 else {
            throw .refused(
                path: path, reason: "can be used by others than its owner (mode 0\(String(mode, radix: 8))); run: chmod 600 \(path)")
        }
    }

    /// Writes a file beside the current one, durably, with the same mode.
    func stage(_ bytes: UnsafeRawBufferPointer) throws(VaultFailure) {
        try forgetStaged()
        let current = try VaultFile(ifThere: path, O_RDONLY)
        let mode = try current?.status().st_mode ?? 0o600
        let file = try VaultFile(opening: staged, O_WRONLY | O_CREAT | O_EXCL, mode: mode & 0o600)
        try unsafe file.write(bytes, at: 0)
        try file.syncWhole()
        try VaultFile.syncFolder(of: path)
    }

    /// In this order: a crash before the new name leaves nothing of the old key, and the staged file unharmed.
    func adopt(overwritten: () -> Void) throws(VaultFailure) {
        // Called once more after a failed sync, there is nothing staged, and what has its place must not be overwritten.
        guard try isStagedThere() else { return try VaultFile.syncFolder(of: path) }
        try VaultFile.overwrite(path)
        overwritten()
        try VaultFile.rename(staged, path)
        try VaultFile.syncFolder(of: path)
    }

    func forgetStaged() throws(VaultFailure) {
        guard try isStagedThere() else { return }
        try VaultFile.overwrite(staged)
        try VaultFile.remove(staged)
        try VaultFile.syncFolder(of: path)
    }

    private func isStagedThere() throws(VaultFailure) -> Bool {
        let file = try VaultFile(ifThere: staged, O_RDONLY)
        return file != nil
    }
}
