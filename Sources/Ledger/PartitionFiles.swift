import Glibc
import LMDB

/// The files of one partition, by name: the data, LMDB's lock, and a copy in the making with its lock.
///
/// LMDB calls its lock after the data file. A lock holds the last transaction's number, the readers and the writer's mutex, so
/// two data files must never have one in common, also not one after the other while the first is still open.
struct PartitionFiles: Sendable {
    let data: String
    var lock: String { data + Self.lockSuffix }
    var copy: String { data + Self.copySuffix }
    var copyLock: String { copy + Self.lockSuffix }

    static let dataSuffix = ".mdb"
    private static let copySuffix = ".compact"
    private static let lockSuffix = "-lock"

    /// Names the old lock like the copy's, which is closed: so the old file and its readers keep it, and the path has none.
    ///
    /// Not removed at once, so that it can be put back if the copy cannot be named like the data.
    func moveLockAside() throws(LedgerFailure) {
        try remove(copyLock)
        guard rename(lock, copyLock) == 0 || errno == ENOENT else { throw failure(lock, "cannot be renamed") }
    }

    /// Lays the copy over the data. If that fails, all is as it was before `moveLockAside`.
    func moveCopyOverData() throws(LedgerFailure) {
        try onStore { () throws(LMDBError) in try PageSums.remove(beside: data) }
        guard rename(copy, data) != 0 else { return }
        let refusal = failure(copy, "cannot be renamed")
        guard rename(copyLock, lock) == 0 || errno == ENOENT else { throw failure(copyLock, "cannot be renamed back") }
        throw refusal
    }

    func removeCopyLock() throws(LedgerFailure) { try remove(copyLock) }

    func removeCopy() throws(LedgerFailure) {
        // The lock first: a lock without data is of no use to anybody who might find it.
        try remove(copyLock)
        try remove(copy)
    }

    /// Removes everything. Whoever has it open keeps it until he closes it.
    func removeAll() throws(LedgerFailure) {
        try removeCopy()
        for suffix in [PageSums.suffix, PageSums.draftSuffix] { try remove(data + suffix) }
        try remove(lock)
        try remove(data)
    }

    var hasData: Bool { access(data, F_OK) == 0 }
    var hasCopy: Bool { access(copy, F_OK) == 0 }

    private func remove(_ path: String) throws(LedgerFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure(path, "cannot be removed") }
    }

    private func failure(_ path: String, _ what: String) -> LedgerFailure { .folder(path: path, reason: "\(what) (error \(errno))") }
}

extension PartitionFiles {
    /// Removes what a crash left in a folder and nobody can use: locks of copies, and copies of partitions that are gone.
    ///
    /// Other copies stay: the next compaction goes on with them, if they still fit.
    static func removeLeftovers(of data: String, in folder: String, named names: Set<String>) throws(LedgerFailure) {
        let files = PartitionFiles(data: "\(folder)/\(data)")
        if !names.contains(data) {
            try files.removeCopy()
        } else if names.contains(data + copySuffix + lockSuffix) {
            try files.removeCopyLock()
        }
    }

    /// The data file to which a copy, or a copy's lock, belongs.
    static func data(ofCopy name: String) -> String? {
        for suffix in [copySuffix, copySuffix + lockSuffix] where name.hasSuffix(suffix) { return String(name.dropLast(suffix.count)) }
        return nil
    }

    /// What a folder has that is nobody's doing.
    static let systemNames: Set = [".", "..", "lost+found"]

    /// The name of the partition that a file belongs to, whatever it is of it; nil for a name that no file of a partition has.
    static func partition(ofFile name: String) -> Substring? {
        for suffix in endings where name.hasSuffix(suffix) { return name.dropLast(suffix.count) }
        return nil
    }

    /// No name has two of them, since none is the end of another one behind a partition's name.
    private static let endings = [
        dataSuffix, dataSuffix + PageSums.suffix, dataSuffix + PageSums.draftSuffix, dataSuffix + lockSuffix, dataSuffix + copySuffix,
        dataSuffix + copySuffix + lockSuffix,
        Tombstones.suffix, Tombstones.suffix + Tombstones.draftSuffix,
    ]

    static func names(in folder: String) throws(LedgerFailure) -> [String] {
        guard let directory = opendir(folder) else {
            throw .folder(path: folder, reason: "cannot be read (error \(errno)); check that it is there and whose it is")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }

    /// Makes new names, and names that are gone, durable.
    static func sync(folder: String) throws(LedgerFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .folder(path: folder, reason: "cannot be opened (error \(errno))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .folder(path: folder, reason: "cannot be synced (error \(errno))") }
    }

    /// What the file system of a folder has left for us.
    static func freeBytes(in folder: String) throws(LedgerFailure) -> Int {
        var found = statvfs()
        guard statvfs(folder, &found) == 0 else { throw .folder(path: folder, reason: "its disk cannot be asked (error \(errno))") }
        let (bytes, overflows) = Int(clamping: found.f_bavail).multipliedReportingOverflow(by: Int(clamping: found.f_frsize))
        return overflows ? .max : bytes
    }
}

extension PartitionShelf {
    /// Names in the folder that are of no partition, nor of what belongs to one, sorted.
    package func foreignNames() throws(LedgerFailure) -> [String] {
        try PartitionFiles.names(in: folder).filter { name in
            guard let stem = PartitionFiles.partition(ofFile: name) else { return !PartitionFiles.systemNames.contains(name) }
            return length.partition(named: stem) == nil
        }.sorted()
    }
}
