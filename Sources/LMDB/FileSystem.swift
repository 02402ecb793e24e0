import CLMDB
import Glibc

/// What the system says about files and the places they lie in.
enum FileSystem {
    /// Refuses places of which lmdb.h says: "Do not use LMDB databases on remote filesystems, even between processes on the same host."
    static func checkLocal(_ path: String) throws(LMDBError) {
        // A file that is not there yet will lie where its folder lies.
        guard let type = type(at: path) ?? type(at: folder(of: path)) else {
            throw LMDBError(code: errno, operation: .open, path: path)
        }
        if isRemote(type) { throw LMDBError(kind: .remoteFileSystem(type), operation: .open, path: path) }
    }

    /// `f_type` of `statfs(2)`, or nil with `errno` set.
    static func type(at path: String) -> UInt32? {
        var found = statfs()
        return unsafe statfs(path, &found) == 0 ? UInt32(truncatingIfNeeded: found.f_type) : nil
    }

    /// Whether a file system of this `f_type` shares its files with other machines, or leaves them to a process of which
    /// nothing is known (FUSE: sshfs and s3fs among others). Numbers from linux/magic.h and statfs(2).
    static func isRemote(_ type: UInt32) -> Bool {
        switch type {
        case 0x6969: true  // NFS
        case 0x517B, 0xFE53_4D42, 0xFF53_4D42: true  // SMB, SMB2, CIFS
        case 0x0102_1997: true  // 9P
        case 0x6573_5546: true  // FUSE
        case 0x00C3_6400: true  // Ceph
        case 0x5346_414F, 0x6B41_4653: true  // AFS
        case 0x7375_7245: true  // Coda
        case 0x564C: true  // NCP
        case 0x0BD0_0BD0: true  // Lustre
        case 0x0116_1970: true  // GFS2
        case 0x7461_636F: true  // OCFS2
        case 0x4750_4653: true  // GPFS
        case 0x1983_0326: true  // BeeGFS
        case 0x2003_0528: true  // OrangeFS
        case 0x786F_4256, 0xBACB_ACBC, 0x7C7C_6673: true  // folders lent by VirtualBox, VMware, Parallels
        default: false
        }
    }

    /// Whether the file system at `path` has no block left for us.
    static func isFull(at path: String) -> Bool {
        var found = statvfs()
        return unsafe statvfs(path, &found) == 0 && found.f_bavail == 0
    }

    /// Makes the name of a new file durable: LMDB syncs what is in a file, nobody the folder it is in.
    static func syncFolder(of path: String) throws(LMDBError) {
        let descriptor = unsafe open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
    }

    static func remove(_ path: String) throws(LMDBError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw LMDBError(code: errno, operation: .open, path: path) }
    }

    /// The name without symbolic links, where the system can tell.
    static func resolved(_ path: String) -> String {
        guard let found = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Which file it is, whatever its names.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
}

/// What `stat` says about a file.
struct FileStatus {
    let identity: FileIdentity
    /// Whether it is no folder, pipe, socket or device.
    let isRegular: Bool
    let byteCount: Int
    let allocatedBytes: Int
    /// When it was last written to: seconds since 1970, and nanoseconds.
    let modified: [Int]

    init(at path: String) throws(LMDBError) {
        var found = stat()
        guard unsafe stat(path, &found) == 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
        self.init(found)
    }

    init(of descriptor: CInt, path: String) throws(LMDBError) {
        var found = stat()
        guard unsafe fstat(descriptor, &found) == 0 else { throw LMDBError(code: errno, operation: .inspect, path: path) }
        self.init(found)
    }

    private init(_ found: stat) {
        identity = FileIdentity(device: UInt64(found.st_dev), inode: UInt64(found.st_ino))
        isRegular = found.st_mode & S_IFMT == S_IFREG
        byteCount = Int(found.st_size)
        modified = [found.st_mtim.tv_sec, found.st_mtim.tv_nsec]
        allocatedBytes = Int(found.st_blocks) * 512  // stat(2): blocks of 512 bytes, whatever the file system's own are.
    }
}
