import FoundationEssentials
import Glibc
import Ledger

/// The folder that an archive lives in: what it is (`annals.json`, written once), and that only one process has it (`LOCK`).
final class DataFolder: Sendable {
    let path: String
    let identity: Identity
    private let lock: FileLock

    var journal: String { path + "/journal" }
    var partitions: String { path + "/partitions" }
    var state: String { path + "/state.mdb" }
    var vault: String { path + "/vault" }

    func audit(_ options: AuditOptions) throws(ArchiveFailure) -> AuditFolder {
        try AuditFolder(of: path, origin: identity.origin, signingKey: options.signingKey)
    }

    /// What `annals.json` says.
    struct Identity: Codable, Hashable, Sendable {
        /// Of the whole folder. A program opens only the versions that it knows.
        var format: Int
        var instance: String
        /// The log's public name.
        var origin: String
        var partition: String
        /// Of this archive's fingerprints, in hexadecimal.
        var seed: String

        static let formatKnown = 2
    }

    let partitionLength: PartitionLength
    let seed: UInt64

    /// Opens the folder, and makes it if there is nothing at its path.
    init(opening options: ArchiveOptions) throws(ArchiveFailure) {
        path = options.path
        try Self.makeFolder(path)
        lock = try FileLock(path + "/LOCK", folder: path)
        try Self.syncNames(in: path)
        if let written = try Self.readIdentity(path) {
            identity = written
        } else {
            identity = try Self.writeIdentity(options)
        }
        (partitionLength, seed) = try Self.values(of: identity, at: path)
        try Self.makeFolder(partitions)
    }

    /// A process that was killed may have left names in memory alone, and what is built on them would be lost with the power.
    private static func syncNames(in path: String) throws(ArchiveFailure) {
        for folder in ["", "/journal", "/partitions", "/vault", "/audit"] where access(path + folder, F_OK) == 0 {
            try DurableFile.syncFolder(of: path + folder + "/.")
        }
    }

    /// Opens the folder of an archive that must be there.
    convenience init(openingExisting options: ArchiveOptions) throws(ArchiveFailure) {
        _ = try Self.identity(of: options.path)
        try self.init(opening: options)
    }

    /// What an identity means; refuses one of another format.
    static func values(of identity: Identity, at path: String) throws(ArchiveFailure) -> (PartitionLength, seed: UInt64) {
        guard identity.format == Identity.formatKnown else {
            throw .folder(
                path: path,
                reason:
                    "has format version \(identity.format), this program knows \(Identity.formatKnown) only; use the program that wrote it")
        }
        guard let length = PartitionLength(rawValue: identity.partition), let seed = UInt64(identity.seed, radix: 16) else {
            throw .folder(path: path, reason: "annals.json makes no sense; restore it from a backup")
        }
        return (length, seed)
    }

    static func makeFolder(_ path: String) throws(ArchiveFailure) {
        var parent = path
        while parent.count > 1, parent.hasSuffix("/") { parent.removeLast() }
        if try makeOne(parent) { return }
        if errno == ENOENT, let slash = parent.lastIndex(of: "/"), slash != parent.startIndex {
            try makeFolder(String(parent[..<slash]))
            if try makeOne(parent) { return }
        }
        throw .folder(path: path, reason: "cannot be made (\(String(cString: strerror(errno)))); make it, or name another")
    }

    /// Durable at once: what is synced in a folder whose own name is lost with the power is lost with it. False: `errno` says why.
    private static func makeOne(_ path: String) throws(ArchiveFailure) -> Bool {
        guard mkdir(path, 0o700) == 0 else { return errno == EEXIST }
        try DurableFile.syncFolder(of: path)
        return true
    }

    static func readIdentity(_ path: String) throws(ArchiveFailure) -> Identity? {
        let file = path + "/annals.json"
        guard access(file, F_OK) == 0 else { return nil }
        let bytes: Data
        do { bytes = try Data(contentsOf: URL(filePath: file)) } catch {
            throw .folder(path: file, reason: "cannot be read (\(error.inWords)); check whose it is")
        }
        do { return try JSONDecoder().decode(Identity.self, from: bytes) } catch {
            throw .folder(path: file, reason: "is no description of an archive (\(error.inWords)); restore it from a backup")
        }
    }

    /// Of an archive that must be there.
    static func identity(of path: String) throws(ArchiveFailure) -> Identity {
        if let identity = try readIdentity(path) { return identity }
        throw .folder(path: path, reason: "is no archive, since it has no annals.json; name the folder that the daemon was given")
    }

    private static func writeIdentity(_ options: ArchiveOptions) throws(ArchiveFailure) -> Identity {
        let path = options.path
        try checkEmpty(path)
        let instance = UUID().uuidString.lowercased()
        let identity = Identity(
            format: Identity.formatKnown, instance: instance, origin: options.origin ?? "annals/\(instance)",
            partition: options.partitionLength.rawValue, seed: String(UInt64.random(in: .min ... .max), radix: 16))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            var bytes = try encoder.encode(identity)
            bytes.append(UInt8(ascii: "\n"))
            try DurableFile.write([UInt8](bytes), to: path + "/annals.json")
        } catch let failure as ArchiveFailure {
            throw failure
        } catch {
            throw .folder(path: path, reason: "its description cannot be written (\(error.inWords))")
        }
        return identity
    }

    /// A new archive is not laid over something else.
    private static func checkEmpty(_ path: String) throws(ArchiveFailure) {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw .folder(path: path, reason: "cannot be listed (\(error.inWords)); check whose it is")
        }
        // An interrupted first start may have left a half-written description.
        let strangers = names.filter { $0 != "LOCK" && $0 != "lost+found" && !$0.hasPrefix("annals.json") }
        guard strangers.isEmpty else {
            throw .folder(
                path: path,
                reason: "holds files but no annals.json, so it is no archive; name an empty folder, or one that is not there yet")
        }
    }
}

/// Small files that are there whole or not at all, even after a crash.
enum DurableFile {
    static func write(_ bytes: [UInt8], to path: String) throws(ArchiveFailure) {
        let draft = path + ".new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(draft) }
        defer { Glibc.close(file) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            guard count > 0 || errno == EINTR else { throw failure(draft) }
            written += max(count, 0)
        }
        guard fsync(file) == 0, rename(draft, path) == 0 else { throw failure(draft) }
        try syncFolder(of: path)
    }

    /// Makes the names in a file's folder durable.
    static func syncFolder(of path: String) throws(ArchiveFailure) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder) }
    }

    private static func failure(_ path: String) -> ArchiveFailure {
        .folder(path: path, reason: "cannot be written (\(String(cString: strerror(errno)))); check the disk and whose folder it is")
    }
}

/// `flock` on a file of its own, held until the process ends or lets go.
final class FileLock: Sendable {
    private let descriptor: CInt

    init(_ path: String, folder: String) throws(ArchiveFailure) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try Self.lock(file, path, LOCK_EX, folder: folder, advice: "stop it first")
        descriptor = file
        let note = Array("\(getpid())\n".utf8)
        // Only a note for whoever looks; the lock itself is the kernel's.
        _ = ftruncate(descriptor, 0)
        _ = note.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    /// A share of the lock, for who only reads: no daemon opens the folder meanwhile. Nil where there is no file to lock, as in a copy;
    /// none is made.
    init?(sharing path: String, folder: String) throws(ArchiveFailure) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0, errno == ENOENT { return nil }
        try Self.lock(file, path, LOCK_SH, folder: folder, advice: "stop it first, or name a copy of the folder")
        descriptor = file
    }

    /// Whether somebody has the whole lock. Whoever asks has nothing of it afterwards.
    static func isTaken(_ path: String) throws(ArchiveFailure) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return false }
            throw .folder(path: path, reason: "cannot be opened (\(String(cString: strerror(errno)))); check whose folder it is")
        }
        defer { Glibc.close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0
    }

    /// Before the descriptor is the lock's own: a lock that is whole when its making fails is taken down again, and would close it twice.
    private static func lock(
        _ file: CInt, _ path: String, _ kind: CInt, folder: String, advice: String
    ) throws(ArchiveFailure) {
        guard file >= 0 else {
            throw .folder(path: path, reason: "cannot be opened (\(String(cString: strerror(errno)))); check whose folder it is")
        }
        guard flock(file, kind | LOCK_NB) == 0 else {
            let owner = owner(file)
            Glibc.close(file)
            throw .folder(path: folder, reason: "another process\(owner) has this archive open; \(advice)")
        }
    }

    deinit { Glibc.close(descriptor) }

    private static func owner(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = bytes.prefix(max(count, 0)).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return digits.isEmpty ? "" : " (\(String(decoding: digits, as: UTF8.self)))"
    }
}
