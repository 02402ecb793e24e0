import FoundationEssentials
import Glibc

/// What the process that verifies may do: what it is not let do is no fault of the log.
enum VerifierLimits {
    /// Each core has some files open, and each file its lock file beside it.
    private static let filesLeast: rlim_t = 128

    /// Throws `.folder` where a file cannot be opened for want of a right, or for a limit of the process.
    static func check(_ path: String) throws(ArchiveFailure) {
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < filesLeast {
            let before = limit.rlim_cur
            limit.rlim_cur = filesLeast
            guard limit.rlim_max >= filesLeast, setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
                throw .folder(
                    path: path,
                    reason: "cannot be verified with at most \(before) open files; raise that to \(filesLeast) (ulimit -n)")
            }
        }
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            throw .folder(
                path: path,
                reason: "cannot be verified with a bound on the address space, as files are mapped whole; lift it (ulimit -v unlimited)")
        }
        for folder in ["", "/partitions", "/journal", "/audit"] { try checkRights(path + folder) }
    }

    private static func checkRights(_ folder: String) throws(ArchiveFailure) {
        guard access(folder, F_OK) == 0 else { return }
        if access(folder, R_OK | X_OK) != 0 { throw .folder(path: folder, reason: refused) }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw .folder(path: folder, reason: "cannot be listed (\(error))")
        }
        let isAudit = folder.hasSuffix("/audit")
        for name in names where isAudit || [".mdb", ".tombstone", ".aj"].contains(where: name.hasSuffix) {
            // A key that signs is nobody's to read, and nothing here does.
            if name != "signing.key", access(folder + "/" + name, R_OK) != 0, errno == EACCES {
                throw .folder(path: folder + "/" + name, reason: refused)
            }
        }
    }

    private static let refused = "may not be read by this user; verify as its owner, or a copy that may be read"
}
