import CLMDB
import CXXHash
import Glibc

/// What each page of a file was when the file came to rest: an XXH3-64 of every page, in a file beside it.
///
/// LMDB 0.9 has no checksums of its own. The sums are of one transaction: behind the next one they say nothing, and are passed over.
/// A file whose last transaction is the sums' must have just these pages; one that has not was changed by a disk, or by somebody.
/// A free page may be another one: of a commit that a kill or an error cut short, the system shows what the disk does not have.
package struct PageSums: Sendable {
    private let pageBytes: Int
    private let transaction: UInt64
    /// By page, the lowest bit of each being `free` or 0.
    private let sums: [UInt64]

    private static let free: UInt64 = 1
    private static let magic: [UInt8] = Array("ANNALSPS".utf8)
    private static let version: UInt32 = 1
    private static let headBytes = 32
    /// So much of the file is read at once.
    private static let chunkBytes = 1 << 20

    /// The name that the sums of a file have.
    package static func path(of path: String) -> String { path + suffix }
    package static let suffix = ".sums"
    package static let draftSuffix = suffix + ".new"

    /// What came of comparing a file with its sums.
    package enum Verdict: Hashable, Sendable {
        /// There are none, or they are of another transaction.
        case unknown
        case sound
        /// These pages are not what they were; at least one.
        case damaged([UInt64])

        /// Says of a damaged file which of its pages it is; nil for the others.
        package func error(in path: String) -> LMDBError? {
            guard case .damaged(let pages) = self else { return nil }
            let others = pages.count > 1 ? ", nor are \(pages.count - 1) others" : ""
            return LMDBError(PageCheck.Fault(page: pages[0], reason: "is not what was written there\(others)"), in: path)
        }
    }

    /// Reads a whole file. Nobody must write to it meanwhile.
    package init(of path: String) throws(LMDBError) {
        let file = try PageFile(path)
        let meta = try MetaPage(newestOf: file)
        pageBytes = meta.pageBytes
        transaction = meta.transaction
        sums = try Self.markedSums(of: file, meta)
    }

    private static func markedSums(of file: consuming PageFile, _ meta: MetaPage) throws(LMDBError) -> [UInt64] {
        var sums = try sums(of: file, pageBytes: meta.pageBytes).map { $0 & ~free }
        for page in sums.indices where UInt64(page) > meta.lastPage { sums[page] |= free }
        try FreeList(of: file, meta: meta).forEachPage { if $0 < UInt64(sums.count) { sums[Int($0)] |= free } }
        return sums
    }

    /// Compares a file with the sums beside it, if there are some that fit. Where somebody writes to it meanwhile, it may be called damaged.
    ///
    /// The sums are gone before a file is written to, so a file of another transaction than theirs was brought from elsewhere; unless
    /// nothing but the pages that name the transaction is another.
    package static func verdict(on path: String) throws(LMDBError) -> Verdict {
        guard let wanted = try PageSums(besides: path) else { return .unknown }
        let file = try PageFile(path)
        // A file that does not even begin as one of LMDB's is told by whoever opens it.
        guard let meta = try MetaPage.newest(of: file), meta.pageBytes == wanted.pageBytes else { return .unknown }
        let found = try sums(of: file, pageBytes: wanted.pageBytes)
        let other = wanted.sums.indices.filter { $0 >= found.count || found[$0] & ~free != wanted.sums[$0] & ~free }
        let bad = other.filter { wanted.sums[$0] & free == 0 }.map(UInt64.init)
        if bad.isEmpty {
            SoundFiles.note(try FileStatus(at: path))
            return .sound
        }
        // A transaction writes pages that were free, or at the end.
        let isWritten = other.count > bad.count || found.count != wanted.sums.count
        let isBrought = meta.transaction != wanted.transaction && (isWritten || bad.contains { $0 > 1 })
        return isBrought ? .unknown : .damaged(bad)
    }

    /// Whether the sums beside a file are of its last transaction. Reads no page.
    package static func fit(_ path: String) throws(LMDBError) -> Bool {
        let sums = Self.path(of: path)
        guard unsafe access(sums, F_OK) == 0 else { return false }
        let beside = try PageFile(sums)
        guard try beside.byteCount() > headBytes else { return false }
        let head = try beside.read(headBytes, at: 0, orThrow: MDB_CORRUPTED)
        let file = try PageFile(path)
        return try MetaPage.newest(of: file).map { head.load(UInt64.self, at: 16) == $0.transaction } ?? false
    }

    private static func sums(of file: borrowing PageFile, pageBytes: Int) throws(LMDBError) -> [UInt64] {
        let byteCount = try file.byteCount()
        var sums: [UInt64] = []
        sums.reserveCapacity(byteCount / pageBytes + 1)
        var offset = 0
        while offset < byteCount {
            let chunk = try file.read(min(chunkBytes, byteCount - offset), at: UInt64(offset), orThrow: MDB_CORRUPTED)
            for start in stride(from: 0, to: chunk.count, by: pageBytes) {
                sums.append(sum(of: chunk, from: start, count: min(pageBytes, chunk.count - start)))
            }
            offset += chunk.count
        }
        return sums
    }

    private static func sum(of bytes: [UInt8], from start: Int, count: Int) -> UInt64 {
        unsafe bytes.withUnsafeBytes { bytes in
            guard count > 0, let base = bytes.baseAddress else { return 0 }
            return unsafe XXH3_64bits(base + start, count)
        }
    }
}

/// The file of the sums: `ANNALSPS` | version u32 | bytes of a page u32 | transaction u64 | number of pages u64 | a sum u64 for each, its lowest
/// bit 1 if the page is free and else 0 | XXH3-64 of all that u64.
extension PageSums {
    /// Nil if there are none, or they are damaged themselves.
    private init?(besides path: String) throws(LMDBError) {
        guard let bytes = try Self.bytes(of: Self.path(of: path)) else { return nil }
        guard bytes.count >= Self.headBytes + 8, bytes.starts(with: Self.magic), bytes.load(UInt32.self, at: 8) == Self.version,
            bytes.load(UInt64.self, at: bytes.count - 8) == Self.sum(of: bytes, from: 0, count: bytes.count - 8),
            let pageBytes = bytes.load(UInt32.self, at: 12), let transaction = bytes.load(UInt64.self, at: 16),
            bytes.load(UInt64.self, at: 24) == UInt64((bytes.count - Self.headBytes - 8) / 8), pageBytes > 0
        else { return nil }
        self.pageBytes = Int(pageBytes)
        self.transaction = transaction
        sums = stride(from: Self.headBytes, to: bytes.count - 8, by: 8).compactMap { bytes.load(UInt64.self, at: $0) }
    }

    /// Nil if there is no such file; whoever begins to write to the other one takes it away.
    private static func bytes(of path: String) throws(LMDBError) -> [UInt8]? {
        do throws(LMDBError) {
            let file = try PageFile(path)
            return try file.read(try file.byteCount(), at: 0, orThrow: MDB_CORRUPTED)
        } catch {
            if case .system(ENOENT) = error.kind { return nil }
            throw error
        }
    }

    /// Lays the sums beside the file, whole or not at all.
    package func write(beside path: String) throws(LMDBError) {
        var bytes = Self.magic
        bytes.append(Self.version)
        bytes.append(UInt32(pageBytes))
        bytes.append(transaction)
        bytes.append(UInt64(sums.count))
        for sum in sums { bytes.append(sum) }
        bytes.append(Self.sum(of: bytes, from: 0, count: bytes.count))
        let draft = path + Self.draftSuffix
        try Self.write(bytes, to: draft)
        guard unsafe rename(draft, Self.path(of: path)) == 0 else { throw LMDBError(code: errno, operation: .copy, path: draft) }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(LMDBError) {
        let descriptor = unsafe open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LMDBError(code: errno, operation: .copy, path: path) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
            }
            guard count > 0 else { throw LMDBError(code: count < 0 ? errno : EIO, operation: .copy, path: path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw LMDBError(code: errno, operation: .copy, path: path) }
    }

    /// Removes the sums of a file that is to be written to, durably: a commit that a crash cuts short changes pages, and not the transaction.
    package static func remove(beside path: String) throws(LMDBError) {
        guard unsafe unlink(Self.path(of: path)) == 0 || errno == ENOENT else {
            throw LMDBError(code: errno, operation: .beginWriting, path: Self.path(of: path))
        }
        // Also where there are none: whoever took them away may have been killed before that was durable.
        do throws(LMDBError) { try FileSystem.syncFolder(of: path) } catch {
            // A file that lost its name, with its folder.
            guard case .system(ENOENT) = error.kind else { throw error }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: number.littleEndian) { unsafe append(contentsOf: $0) }
    }
}
