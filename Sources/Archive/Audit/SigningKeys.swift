import FoundationEssentials
import Glibc
import Merkle

/// The key that checkpoints are signed with, and the public halves of all that ever were.
///
/// The secret half has a file of its own, of which nobody but its owner may read a byte. `audit/keys` lists the public ones, a line each,
/// the oldest first; a key that was replaced stays there, since what it signed stays true.
struct SigningKeys: Sendable {
    let signer: NoteSigner
    let verifiers: [VerifierKey]

    /// What may have signed before: the list, or where that is lost the key itself.
    var known: [VerifierKey] { verifiers.isEmpty ? [signer.verifier] : verifiers }

    /// Those that the log signs with; nil where it has none yet. Writes nothing.
    static func found(in folder: AuditFolder) throws(ArchiveFailure) -> SigningKeys? {
        let known = try folder.verifiers()
        guard let seed = try seed(in: folder.signingKey) else {
            if known.isEmpty { return nil }
            throw .folder(
                path: folder.signingKey,
                reason: "is not there, and has signed before; restore it, or run 'annalsd rotate-signing-key' for a new one")
        }
        let signer = try signer(folder.keyName, seed)
        // A crash may have come between the first key and the list.
        if known.isEmpty { return SigningKeys(signer: signer, verifiers: []) }
        guard known.contains(signer.verifier) else {
            // Keys have the log's name, which annals.json says.
            throw .folder(
                path: folder.signingKey,
                reason: "holds a key that \(folder.keyList) does not list; restore one of them, or annals.json, from a backup")
        }
        return SigningKeys(signer: signer, verifiers: known)
    }

    /// The first key of a log, or its list if that is all that is missing.
    static func settled(_ found: SigningKeys?, in folder: AuditFolder) throws(ArchiveFailure) -> SigningKeys {
        if let found, !found.verifiers.isEmpty { return found }
        try folder.make()
        let signer = if let found { found.signer } else { try make(folder) }
        try folder.write([signer.verifier])
        return SigningKeys(signer: signer, verifiers: [signer.verifier])
    }

    /// Makes a new key, which signs from now on. The one before stays in the list.
    ///
    /// The list first: a crash in between leaves a key there that never signs anything.
    static func rotate(_ folder: AuditFolder) throws(ArchiveFailure) -> VerifierKey {
        let known = try folder.verifiers()
        let seed = fresh()
        let signer = try signer(folder.keyName, seed)
        try folder.make()
        try folder.write(known + [signer.verifier])
        try write(seed, to: folder.signingKey)
        return signer.verifier
    }

    private static func make(_ folder: AuditFolder) throws(ArchiveFailure) -> NoteSigner {
        let seed = fresh()
        try write(seed, to: folder.signingKey)
        return try signer(folder.keyName, seed)
    }

    private static func fresh() -> [UInt8] {
        var entropy = Entropy.ofTheKernel()
        return entropy.take(NoteSigner.seedBytes) { [UInt8]($0) }
    }

    private static func signer(_ name: NoteKeyName, _ seed: [UInt8]) throws(ArchiveFailure) -> NoteSigner {
        do { return try NoteSigner(name: name, seed: seed) } catch {
            throw .folder(path: name.text, reason: "cannot sign: \(error.explanation)")
        }
    }

    private static func write(_ seed: [UInt8], to path: String) throws(ArchiveFailure) {
        try DurableFile.write(Array((seed.map(hexDigits).joined() + "\n").utf8), to: path)
    }

    private static func hexDigits(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    /// 64 hexadecimal digits and a newline. Nil if there is no such file.
    private static func seed(in path: String) throws(ArchiveFailure) -> [UInt8]? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .folder(path: path, reason: "cannot be read (\(String(cString: strerror(errno)))); check whose it is")
        }
        guard status.st_mode & S_IFMT == S_IFREG, [0o400, 0o600].contains(status.st_mode & 0o7777),
            status.st_uid == geteuid() || status.st_uid == 0
        else {
            throw .folder(
                path: path, reason: "must be a file of the daemon's own that nobody else can read; run: chmod 600 \(path)")
        }
        var text: [UInt8]
        do { text = Array(try Data(contentsOf: URL(filePath: path))) } catch {
            throw .folder(path: path, reason: "cannot be read (\(error)); check whose it is")
        }
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        guard text.count == 2 * NoteSigner.seedBytes, let seed = bytes(ofDigits: text) else {
            throw .folder(path: path, reason: "is no signing key, which is 64 hexadecimal digits and a newline; restore it from a backup")
        }
        return seed
    }

    /// Nil for anything but digits: a number may have a sign, and these are none.
    private static func bytes(ofDigits text: [UInt8]) -> [UInt8]? {
        let values = text.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == text.count else { return nil }
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
