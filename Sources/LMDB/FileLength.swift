import CLMDB
import Glibc

/// Looks whether a file is as long as it says, before LMDB maps it: touching a page
/// past the end of a mapped file ends the process with SIGBUS.
///
/// A sound file may be shorter than its meta page says: LMDB never writes pages that a transaction took at the
/// end of the file and gave back before it committed. Such pages are in the list of free pages, so a file is damaged
/// if and only if a page that it lacks is not in that list.
enum FileLength {
    static func check(_ path: String, mustHaveContent: Bool) throws(LMDBError) {
        let file = try PageFile(path)
        guard try file.byteCount() > 0 else {
            // LMDB takes an empty file for a new one; whoever expects content must hear that it is gone.
            if mustHaveContent { throw file.unreadable(MDB_INVALID) }
            return
        }
        let meta = try MetaPage(newestOf: file)
        // Asked after the meta page was read: another process may be writing, and it writes the meta page last.
        let pagesThere = UInt64(try file.byteCount() / meta.pageBytes)
        guard meta.lastPage >= pagesThere else { return }
        try FreeList(of: file, meta: meta).checkAllFree(from: pagesThere, through: meta.lastPage)
    }
}

/// The fields of LMDB's meta page that are needed (`MDB_meta` of data version 1, 64-bit, in this machine's byte order).
struct MetaPage {
    let pageBytes: Int
    let lastPage: UInt64
    let transaction: UInt64
    let freeListRoot: UInt64
    let freeListDepth: UInt16
    /// The tree of the tables' names.
    let main: TreeRecord

    private static let byteCount = 152
    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let dataVersion: UInt32 = 1

    /// Reads both meta pages and keeps the newer one, as LMDB itself does.
    init(newestOf file: borrowing PageFile) throws(LMDBError) {
        let first = try MetaPage(of: file, at: 0)
        let second = try MetaPage(of: file, at: UInt64(first.pageBytes))
        self = second.transaction > first.transaction ? second : first
    }

    /// The same, and nil where they make no sense.
    static func newest(of file: borrowing PageFile) throws(LMDBError) -> MetaPage? {
        do throws(LMDBError) { return try MetaPage(newestOf: file) } catch {
            if case .damaged = error.kind { return nil }
            throw error
        }
    }

    private init(of file: borrowing PageFile, at offset: UInt64) throws(LMDBError) {
        let bytes = try file.read(Self.byteCount, at: offset, orThrow: MDB_INVALID)
        guard let flags = bytes.load(UInt16.self, at: 10), flags & 0x08 != 0,  // P_META
            bytes.load(UInt32.self, at: 16) == Self.magic
        else { throw file.unreadable(MDB_INVALID) }
        guard bytes.load(UInt32.self, at: 20) == Self.dataVersion else { throw file.unreadable(MDB_VERSION_MISMATCH) }
        guard let pageBytes = bytes.load(UInt32.self, at: 40), (512...65_536).contains(pageBytes), pageBytes.nonzeroBitCount == 1,
            let freeListRoot = bytes.load(UInt64.self, at: 80), let freeListDepth = bytes.load(UInt16.self, at: 46),
            let main = TreeRecord(bytes[88..<136]),
            let lastPage = bytes.load(UInt64.self, at: 136),
            let transaction = bytes.load(UInt64.self, at: 144)
        else { throw file.unreadable(MDB_INVALID) }
        self.pageBytes = Int(pageBytes)
        self.freeListRoot = freeListRoot
        self.freeListDepth = freeListDepth
        self.main = main
        self.lastPage = lastPage
        self.transaction = transaction
    }
}

/// A file that is read without mapping it, so that nothing in it can end the process.
struct PageFile: ~Copyable {
    let path: String
    private let descriptor: CInt
    private let isOwn: Bool

    private static let pageBytesMax = 65_536

    init(_ path: String) throws(LMDBError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        self.path = path
        isOwn = true
        guard descriptor >= 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
    }

    /// A file that somebody else has open, and keeps open meanwhile.
    init(borrowing descriptor: CInt, path: String) {
        self.path = path
        self.descriptor = descriptor
        isOwn = false
    }

    deinit { if isOwn { close(descriptor) } }

    /// Says that all of it will be read, in whatever order: otherwise the disk is asked for one page after the other.
    borrowing func announceReading() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED) }

    /// How long the file is now.
    borrowing func byteCount() throws(LMDBError) -> Int { try FileStatus(of: descriptor, path: path).byteCount }

    /// Exactly `count` bytes from `offset`, or an error: `code` when the file ends before.
    borrowing func read(_ count: Int, at offset: UInt64, orThrow code: CInt) throws(LMDBError) -> [UInt8] {
        guard let start = off_t(exactly: offset) else { throw unreadable(code) }
        // A damaged page may name any length: asked first, lest memory is taken for it. Of a page the system tells by itself.
        if count > Self.pageBytesMax {
            let byteCount = try byteCount()
            guard offset <= UInt64(byteCount), count <= byteCount - Int(offset) else { throw unreadable(code) }
        }
        var got = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe got = pread(descriptor, buffer.baseAddress, count, start)
            filled = max(0, got)
        }
        guard got >= 0 else { throw LMDBError(code: errno, operation: .open, path: path) }
        guard got == count else { throw unreadable(code) }
        return bytes
    }

    borrowing func unreadable(_ code: CInt) -> LMDBError { LMDBError(code: code, operation: .open, path: path) }
}

extension [UInt8] {
    /// A number at `offset`, or nil past the end.
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number? {
        guard offset >= 0, offset <= count - MemoryLayout<Number>.size else { return nil }
        return unsafe span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
}
