import Glibc
import LMDB

/// What a partition's file is made of, as of one transaction, without a look at its rows.
struct PartitionOutline {
    let note: CopyNote
    let allocatedBytes: Int
    /// The bytes of the pages that hold something.
    let liveBytes: Int

    init(of partition: Partition) throws(LedgerFailure) {
        let (transaction, freePages, names) = try onStore { () throws(LMDBError) in try Self.look(at: partition.environment) }
        // Another version of Annals may have made tables that this one does not open, and so would not copy.
        if let name = names.first(where: { !partition.tableNames.contains($0) }) {
            throw .damaged(path: partition.environment.path, table: name, reason: "this version of Annals knows no such table")
        }
        let information = try onStore { () throws(LMDBError) in try partition.environment.information() }
        note = CopyNote(transaction: transaction, inode: information.inode)
        allocatedBytes = information.allocatedBytes
        liveBytes = max(0, information.lastPage + 1 - freePages) * information.pageBytes
    }

    private static func look(at environment: Environment) throws(LMDBError) -> (transaction: Int, freePages: Int, names: [String]) {
        let snapshot = try environment.snapshot()
        return (snapshot.transaction, try snapshot.freePages(), try snapshot.tableNames())
    }

    /// Whether what a copy would win is as much as is asked for.
    func isWorth(_ options: CompactionOptions) -> Bool {
        // Blocks rather than free pages: pages at the end that were given back before they were written take no space.
        let gain = allocatedBytes - liveBytes
        return gain >= options.minGainBytes && gain * 100 >= options.minGainPercent * allocatedBytes
    }

    /// Throws if a copy, of which some may be there already, would leave less of the disk than the reserve.
    func checkRoom(in folder: String, copied: Int, _ options: CompactionOptions) throws(LedgerFailure) {
        let free = try PartitionFiles.freeBytes(in: folder)
        let (needed, overflows) = max(0, liveBytes - copied).addingReportingOverflow(options.diskReserveBytes)
        guard overflows || free < needed else { return }
        let reason =
            "a copy without free pages needs \(overflows ? Int.max : needed) bytes of the disk, the reserve among them, and \(free) are free"
        throw .folder(path: folder, reason: reason)
    }
}

/// Says of which state of which file a copy is, as long as it is not finished. A row of the copy's `meta`.
struct CopyNote: Hashable, Sendable {
    var transaction: Int
    var inode: UInt64
    /// Between which two starts of the system it was begun: what is in the copy is not synced before its end.
    var boot: [UInt64]

    static let key: Words<1> = [UInt64(1).bigEndian]
    private static let version: UInt64 = 2

    init(transaction: Int, inode: UInt64, boot: [UInt64] = SystemStart.words) {
        self.transaction = transaction
        self.inode = inode
        self.boot = boot
    }

    var words: Words<5> {
        [Self.version.bigEndian, UInt64(bitPattern: Int64(transaction)).bigEndian, inode.bigEndian, boot[0].bigEndian, boot[1].bigEndian]
    }

    init?(decoding value: RawSpan) {
        guard value.byteCount == 40, value.word(0) == Self.version, let transaction = value.word(1), let inode = value.word(2),
            let high = value.word(3), let low = value.word(4)
        else { return nil }
        self.init(transaction: Int(Int64(bitPattern: transaction)), inode: inode, boot: [high, low])
    }
}

/// Which of the system's starts this is.
enum SystemStart {
    /// The boot id of random(4), two words; where it cannot be read, something that is no other time's.
    static let words: [UInt64] = {
        var generator = SystemRandomNumberGenerator()
        guard let text = read(), let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.dropFirst(16), radix: 16) else {
            return [generator.next(), generator.next()]
        }
        return [high, low]
    }()

    private static func read() -> String? {
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count <= 0 ? nil : String(decoding: bytes[..<count].filter { $0 != UInt8(ascii: "-") && $0 > 32 }, as: UTF8.self)
    }
}
