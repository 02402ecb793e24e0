import Events
import LMDB
import Projections
import TestSupport

/// A state file in a folder of its own, with transactions around each step.
final class StateOfTest: Sendable {
    let file: StateFile
    // Last, so that the file is closed before it is removed.
    private let folder: TemporaryFolder

    convenience init() throws { try self.init(in: TemporaryFolder()) }

    init(in folder: TemporaryFolder) throws {
        self.folder = folder
        file = try StateFile(
            opening: "\(folder.path)/state.mdb", others: ["others", PartitionFilters.tableName], options: .init(.create, mapBytes: 64 << 20)
        )
    }

    func read<Result>(_ body: (StateFile, Reader) throws -> Result) throws -> Result {
        try file.environment.read { reader in try body(file, reader) }
    }

    func write(_ body: (StateFile, inout WriteTransaction) throws -> Void) throws {
        try file.environment.write { transaction in try body(file, &transaction) }
    }

    /// A row as it is on disk, whatever it means.
    func put(_ value: [UInt8], for key: [UInt8], in table: String) throws {
        try write { file, transaction in
            try transaction.put(value.span.bytes, for: key.span.bytes, in: file.environment.table(named: table))
        }
    }
}

/// Big-endian words, as rows have them.
func words(_ numbers: UInt64...) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}

func instant(_ milliseconds: Int64) -> Instant { Instant(milliseconds: milliseconds) }

extension StateFile {
    /// Keeps the rule that an event made.
    func keep(_ event: Event, _ transaction: inout WriteTransaction) throws {
        try keepRule(event.encoded(), kind: event.kind, at: event.position, &transaction)
    }
}
