import CLMDB

/// A view of the file that does not move while others write.
///
/// Keep it short: no page that it can see is reused while it lives, so the file grows.
@safe package struct Snapshot: ~Copyable, ~Escapable, Readable {
    private let handle: OpaquePointer
    private let environment: EnvironmentNumber
    // A borrow says that the environment lives longer, and does not see to it: Swift 6.3.1 may keep a snapshot in a box on the heap, and
    // let go of the box after the environment. LMDB would then write to the slot of a lock file that is no longer mapped.
    private let keeper: Environment

    @_lifetime(borrow environment)
    init(of environment: borrowing Environment) throws(LMDBError) {
        unsafe handle = try environment.beginTransaction(.takeSnapshot, flags: MDB_RDONLY)
        self.environment = environment.number
        keeper = copy environment
    }

    deinit { unsafe guarded_abort(handle) }

    /// The view to hand to functions that only read.
    package var reader: Reader {
        @_lifetime(borrow self) borrowing get {
            unsafe Reader(transaction: handle, environment: environment)
        }
    }

    /// How many pages of the file hold nothing and wait to be used again.
    ///
    /// Takes time in proportion to them: LMDB keeps them in lists, one for each transaction that freed some.
    package borrowing func freePages() throws(LMDBError) -> Int {
        var lists = try cursor(in: .freePages(of: environment))
        var pages = 0
        while try lists.next() {
            // A list begins with its length. What is too short for that, or for as many, is damage, not a reason to trap.
            let words = lists.value.byteCount / MemoryLayout<UInt>.size
            guard words > 0, case let count = unsafe lists.value.unsafeLoadUnaligned(as: UInt.self), count < words else {
                throw unsafe .failure(MDB_CORRUPTED, .read, in: handle)
            }
            pages += Int(count)
        }
        return pages
    }

    /// The transaction that this is the state after: the file's last one when the snapshot was taken.
    package var transaction: Int { Int(truncatingIfNeeded: unsafe mdb_txn_id(handle)) }

    /// The names of all tables of the file, also of those that were not opened.
    package borrowing func tableNames() throws(LMDBError) -> [String] {
        var entries = try cursor(in: .main(of: environment))
        var names: [String] = []
        while try entries.next() {
            unsafe names.append(entries.key.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
        }
        return names
    }
}
