import LMDB
import Ledger
import Merkle
import TestSupport
import Testing

@Suite("The audit tree's table")
struct TreeTableTests {
    private let environment: Environment
    private let table: TreeTable
    private let size = TreeSize(1 << 24 + 5)
    // Last, so that the file is closed before it is removed.
    private let folder: TemporaryFolder

    /// All rows of a tree of 16,777,221 events.
    init() throws {
        folder = try TemporaryFolder()
        environment = try Environment(
            opening: folder.file("state.mdb"), tables: [TreeTable.tableName], options: .init(.create, mapBytes: 64 << 20))
        table = TreeTable(in: environment)
        try environment.write { [table, size] transaction in
            for level in [8, 16, 24] {
                for index in 0..<size.leaves >> UInt64(level) {
                    try table.put(.empty, of: TreeNode(level: level, index: index), &transaction)
                }
            }
        }
    }

    private func isWhole(growing: Bool = false) throws -> Bool {
        try environment.read { reader in try table.isOf(size, growing: growing, reader) }
    }

    @Test("just the rows of its size are all there are")
    func whole() throws {
        #expect(try isWhole())
        #expect(try environment.read { reader in try table.blocks(reader) } == 1 << 16)
    }

    @Test("one that is missing at any level is missed", arguments: [(8, 0), (8, 65_535), (16, 255), (24, 0)] as [(UInt64, UInt64)])
    func missing(level: UInt64, index: UInt64) throws {
        let key = [level, index].flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
        try environment.write { [table] transaction in _ = try transaction.delete(key.span.bytes, in: table.table) }
        #expect(try !isWhole())
        #expect(try !isWhole(growing: true))
    }

    @Test("one beyond its end is too many, unless the tree grows", arguments: [(8, 65_536), (16, 256), (24, 1), (32, 0)])
    func beyond(level: Int, index: UInt64) throws {
        try environment.write { [table] transaction in try table.put(.empty, of: TreeNode(level: level, index: index), &transaction) }
        #expect(try !isWhole())
        #expect(try isWhole(growing: true))
    }
}
