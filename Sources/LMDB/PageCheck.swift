import CLMDB
import Glibc

/// Looks whether the pages of a file make trees, before LMDB walks them: at some damage LMDB 0.9 ends the process with an assertion, reads
/// beyond its map, or goes round for ever.
///
/// Reads every branch and leaf page once, and the headers of what lies beside them, without mapping the file. What is in keys and values is not
/// its concern. Only for a file that nobody writes meanwhile.
package struct PageCheck: ~Copyable {
    private let file: PageFile
    private let meta: MetaPage
    /// How many pages the file really has: it may be shorter than it says (`FileLength`).
    private let pages: UInt64
    /// A bit for each page that is part of something.
    private var seen: [UInt64]
    private var waiting: [Subtree] = []
    /// Pages that the list of free pages has, and the page where it says so.
    private var free: [(page: UInt64, list: UInt64)] = []

    /// What is wrong, and where.
    package struct Fault: Hashable, Sendable, CustomStringConvertible {
        package var page: UInt64
        package var reason: String

        package init(page: UInt64, reason: String) {
            self.page = page
            self.reason = reason
        }

        package var description: String { "page \(page) \(reason)" }
    }

    /// A page that is still to be looked at: how far above the leaves, and between which keys its own must be.
    private struct Subtree {
        var page: UInt64
        var height: Int
        var from: [UInt8]?
        var until: [UInt8]?
        /// The free list's keys are numbers, in an order of their own.
        var isFreeList: Bool
        /// Only the main tree's values are tables.
        var isMain = false
    }

    /// The first fault that is found; nil for a file whose pages are as they should be, or that is empty.
    package static func fault(in path: String) throws(LMDBError) -> Fault? {
        try fault(of: PageFile(path))
    }

    static func fault(of file: consuming PageFile) throws(LMDBError) -> Fault? {
        if try file.byteCount() == 0 { return nil }
        file.announceReading()
        let meta = try MetaPage(newestOf: file)
        var check = try PageCheck(file, meta)
        return try check.run()
    }

    private init(_ file: consuming PageFile, _ meta: MetaPage) throws(LMDBError) {
        self.meta = meta
        let pagesThere = UInt64(try file.byteCount() / meta.pageBytes)
        // Compared before it is added to: a damaged meta page may count anything.
        pages = meta.lastPage < pagesThere ? meta.lastPage + 1 : pagesThere
        seen = [UInt64](repeating: 0, count: Int(pages / 64) + 1)
        self.file = file
    }

    private mutating func run() throws(LMDBError) -> Fault? {
        add(meta.main, isMain: true)
        add(meta.freeList, isFreeList: true)
        while let next = waiting.popLast() {
            if let fault = try look(at: next) { return fault }
        }
        return faultOfFreePages()
    }

    /// LMDB would write the next pages over what is in use.
    private mutating func faultOfFreePages() -> Fault? {
        for (page, list) in free {
            guard page > 1, page <= meta.lastPage else {
                return Fault(page: list, reason: "calls page \(page) free, which the file has not")
            }
            guard page < pages else { continue }  // Taken and given back before it was ever written (`FileLength`).
            if take(page, from: list) != nil { return Fault(page: list, reason: "calls page \(page) free, which is in use") }
        }
        return nil
    }

    /// A list of free pages: their number, then they, the last ones first.
    private mutating func note(_ list: [UInt8], on page: UInt64) -> Fault? {
        guard let count = list.load(UInt64.self, at: 0), count <= list.count / 8 - 1 else {
            return Fault(page: page, reason: "has a list of free pages that makes no sense")
        }
        var last = UInt64.max
        for index in 0..<Int(count) {
            guard let own = list.load(UInt64.self, at: 8 + 8 * index), own < last else {
                return Fault(page: page, reason: "has a list of free pages that is out of order")
            }
            free.append((own, page))
            last = own
        }
        return nil
    }

    private mutating func add(_ tree: TreeRecord, isFreeList: Bool = false, isMain: Bool = false) {
        guard tree.root != .max else { return }  // P_INVALID: an empty tree.
        waiting.append(Subtree(page: tree.root, height: Int(tree.depth) - 1, isFreeList: isFreeList, isMain: isMain))
    }

    /// Notes a page as part of something; a fault if it is of something else already, or beyond the end.
    private mutating func take(_ page: UInt64, from parent: UInt64) -> Fault? {
        guard page > 1, page < pages else { return Fault(page: parent, reason: "leads to page \(page), which the file has not") }
        let (word, bit) = (Int(page / 64), UInt64(1) << (page % 64))
        guard seen[word] & bit == 0 else { return Fault(page: page, reason: "is in two places at once") }
        seen[word] |= bit
        return nil
    }

    private mutating func look(at subtree: Subtree) throws(LMDBError) -> Fault? {
        let number = subtree.page
        if let fault = take(number, from: number) { return fault }
        let bytes = try file.read(meta.pageBytes, at: number * UInt64(meta.pageBytes), orThrow: MDB_CORRUPTED)
        let page = TreePage(bytes: bytes)
        if let reason = page.fault(number: number, isBranch: subtree.height > 0) { return Fault(page: number, reason: reason) }
        if subtree.height < 0 || subtree.height > 32 { return Fault(page: number, reason: "is in a tree of no height that there can be") }
        if !subtree.isFreeList, let reason = page.faultOfOrder(from: subtree.from, until: subtree.until) {
            return Fault(page: number, reason: reason)
        }
        for index in 0..<page.nodeCount {
            if let fault = try follow(page, index, of: subtree) { return fault }
        }
        return nil
    }

    private mutating func follow(_ page: TreePage, _ index: Int, of subtree: Subtree) throws(LMDBError) -> Fault? {
        let number = subtree.page
        switch page.node(index) {
        case .unreadable: return Fault(page: number, reason: "has a node that does not lie within it")
        case .value(let place): return subtree.isFreeList ? note(Array(page.bytes[place]), on: number) : nil
        case .overflow(let first, let byteCount):
            if let fault = try lookAtOverflow(first, byteCount, from: number) { return fault }
            guard subtree.isFreeList else { return nil }
            return note(try file.read(byteCount, at: first * UInt64(meta.pageBytes) + 16, orThrow: MDB_CORRUPTED), on: first)
        case .branch(let child):
            let isLast = index + 1 == page.nodeCount
            waiting.append(
                Subtree(
                    page: child, height: subtree.height - 1,
                    from: index == 0 ? subtree.from : page.key(index).map { Array(page.bytes[$0]) },
                    until: isLast ? subtree.until : page.key(index + 1).map { Array(page.bytes[$0]) }, isFreeList: subtree.isFreeList,
                    isMain: subtree.isMain))
            return nil
        case .table(let place):
            guard subtree.isMain, let tree = TreeRecord(page.bytes[place]) else {
                return Fault(page: number, reason: "has a table that makes no sense")
            }
            add(tree)
            return nil
        }
    }

    /// A value on pages of its own: a header, then its bytes.
    private mutating func lookAtOverflow(_ first: UInt64, _ byteCount: Int, from parent: UInt64) throws(LMDBError) -> Fault? {
        let count = UInt64((15 + byteCount) / meta.pageBytes + 1)
        guard first < pages, count <= pages - first else { return Fault(page: parent, reason: "leads beyond the file's end") }
        for page in first..<first + count {
            if let fault = take(page, from: parent) { return fault }
        }
        let header = try file.read(16, at: first * UInt64(meta.pageBytes), orThrow: MDB_CORRUPTED)
        guard header.load(UInt64.self, at: 0) == first, header.load(UInt16.self, at: 10).map({ $0 & 0x1F }) == 0x04,  // P_OVERFLOW
            let own = header.load(UInt32.self, at: 12), UInt64(own) >= count
        else { return Fault(page: first, reason: "is not the value's that page \(parent) has there") }
        return nil
    }
}

/// `MDB_db`: where a tree begins, and how high it is.
struct TreeRecord {
    let root: UInt64
    let depth: UInt16

    init(root: UInt64, depth: UInt16) {
        self.root = root
        self.depth = depth
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 48, let depth = bytes.load(UInt16.self, at: 6), let root = bytes.load(UInt64.self, at: 40) else { return nil }
        self.root = root
        self.depth = depth
    }
}

extension MetaPage {
    fileprivate var freeList: TreeRecord { TreeRecord(root: freeListRoot, depth: freeListDepth) }
}

extension TreePage {
    /// What LMDB takes for granted of a page.
    fileprivate func fault(number: UInt64, isBranch wanted: Bool) -> String? {
        guard bytes.load(UInt64.self, at: 0) == number else { return "is another page" }
        guard let flags = bytes.load(UInt16.self, at: 10), flags & 0x2F == (wanted ? 0x01 : 0x02) else {
            return "is not the \(wanted ? "branch" : "leaf") that it should be"
        }
        guard let lower = bytes.load(UInt16.self, at: 12), let upper = bytes.load(UInt16.self, at: 14), lower >= 16,
            lower.isMultiple(of: 2),
            lower <= upper, Int(upper) <= bytes.count, nodeCount >= (wanted ? 2 : 1)
        else { return "has no room for what it should hold" }
        for index in 0..<nodeCount {
            guard let start = bytes.load(UInt16.self, at: 16 + 2 * index), start >= upper, key(index) != nil else {
                return "has a node that does not lie within it"
            }
        }
        return nil
    }

    /// Keys ascend, and lie between those that lead here. The first key of a branch says nothing.
    fileprivate func faultOfOrder(from: [UInt8]?, until: [UInt8]?) -> String? {
        var last: Range<Int>?
        for index in (isBranch ? 1 : 0)..<nodeCount {
            guard let key = key(index) else { return "has a node that does not lie within it" }
            if let last {
                if !precedes(last, key) { return "has keys out of order" }
            } else if let from, bytes[key].precedes(from[...]) {
                return "has keys out of order"
            }
            last = key
        }
        if let until, let last, !bytes[last].precedes(until[...]) { return "has keys that belong elsewhere" }
        return nil
    }

    /// Of two keys of this page.
    private func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        let order: CInt = unsafe bytes.withUnsafeBytes { page in
            guard let start = page.baseAddress else { return 0 }
            return unsafe memcmp(start + left.lowerBound, start + right.lowerBound, Swift.min(left.count, right.count))
        }
        return order == 0 ? left.count < right.count : order < 0
    }
}

extension ArraySlice<UInt8> {
    /// LMDB's order: bytes, shorter before longer.
    fileprivate func precedes(_ other: Self) -> Bool {
        let order: CInt = unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { its in
                guard let left = mine.baseAddress, let right = its.baseAddress else { return 0 }
                return unsafe memcmp(left, right, Swift.min(mine.count, its.count))
            }
        }
        return order == 0 ? count < other.count : order < 0
    }
}
