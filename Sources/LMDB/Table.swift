package import CLMDB

/// A table inside a file. A number that stays good while its environment is open.
///
/// Every access checks that the table is of the transaction's own file: with one file a partition,
/// a table of yesterday's would otherwise quietly name another table of today's.
package struct Table: Sendable, Equatable {
    @usableFromInline let dbi: MDB_dbi
    @usableFromInline let environment: EnvironmentNumber

    /// LMDB's own list of free pages, a table that only snapshots may read.
    static func freePages(of environment: EnvironmentNumber) -> Table { Table(dbi: 0, environment: environment) }

    /// LMDB's own table of the tables and their names. For snapshots alone, too.
    static func main(of environment: EnvironmentNumber) -> Table { Table(dbi: 1, environment: environment) }
}

/// Tells the environments of this process apart; never used twice.
@usableFromInline
package struct EnvironmentNumber: Sendable, Equatable {
    @usableFromInline let value: UInt64

    init(_ value: UInt64) { self.value = value }
}
