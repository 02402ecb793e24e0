import Events
import FoundationEssentials
import LMDB
import Ledger
import Projections
import TestSupport

@testable import Archive

/// What tests of the verification do to copies of a data folder.
enum AuditCopies {
    /// Lends a copy of the folder as it lies now.
    static func copy<Result>(of path: String, _ body: (String) throws -> Result) throws -> Result {
        let home = try TemporaryFolder()
        let copy = home.file("copy")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        return try body(copy)
    }

    /// - Parameter isThorough: whether bodies are opened, with the root key that lies in the folder.
    static func verify(_ path: String, isThorough: Bool = false) throws -> AuditReport {
        var options = AuditVerify.Options()
        options.isThorough = isThorough
        if isThorough { options.rootKey = .file(path + "/vault/root.key") }
        return try AuditVerify(of: path, options).run { _ in }
    }

    /// In a process of its own, a live folder is read as LMDB's readers do; in ours LMDB would refuse to open a file twice. So a copy of
    /// the lock stands for the daemon's.
    static func verifyLive(_ path: String, isThorough: Bool = false) throws -> AuditReport {
        try copy(of: path) { copy in try verifyAsLive(copy, isThorough: isThorough) }
    }

    static func verifyAsLive(_ path: String, isThorough: Bool = false) throws -> AuditReport {
        let daemon = try FileLock(path + "/LOCK", folder: path)
        defer { _ = consume daemon }
        return try verify(path, isThorough: isThorough)
    }

    /// The files of partitions, oldest first.
    static func partitions(of path: String) throws -> [String] {
        let folder = path + "/partitions"
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".mdb") }.sorted().map {
            "\(folder)/\($0)"
        }
    }

    /// Changes the bodies in a partition's file.
    static func change(_ file: String, _ body: (_ bodies: Table, [(key: [UInt8], value: [UInt8])], inout WriteTransaction) throws -> Void)
        throws
    {
        let tables = ["trail", "bodies", "meta"] + PartitionIndex.tableNames
        let environment = try Environment(opening: file, tables: tables, options: .init(.write, mapBytes: 1 << 30))
        let bodies = environment.table(named: "bodies")
        try environment.write { transaction in
            var rows: [(key: [UInt8], value: [UInt8])] = []
            var cursor = try transaction.reader.cursor(in: bodies)
            while try cursor.next() { rows.append((cursor.key.copied, cursor.value.copied)) }
            try body(bodies, rows, &transaction)
        }
    }
}

extension WriteTransaction {
    mutating func remove(_ key: [UInt8], in table: Table) throws { _ = try delete(key.span.bytes, in: table) }

    mutating func write(_ value: [UInt8], at key: [UInt8], in table: Table) throws {
        try put(value.span.bytes, for: key.span.bytes, in: table)
    }
}
