import Events
import Glibc
import LMDB
import Ledger

/// A file of a partition that rows may be taken from, as far as they can be read.
final class RepairFile {
    let path: String
    private let partition: Partition
    // What the partition's shelf keeps open.
    private let shelf: PartitionShelf
    private let lease: PartitionShelf.Lease

    /// An event as it is to be written.
    struct Row {
        var record: [UInt8]
        /// As it is stored; empty if there is none.
        var body: [UInt8]
    }

    /// Of a partition of the archive itself, however damaged; nil if nothing of it can be read.
    init?(remainsOf id: PartitionID, on shelf: PartitionShelf) throws(ArchiveFailure) {
        do {
            guard let lease = try shelf.lease(id, asFarAsItGoes: true) else { return nil }
            partition = lease.partition
            self.lease = lease
        } catch {
            guard ArchiveFailure(error).isDamage else { throw .ledger(error) }
            return nil
        }
        self.shelf = shelf
        path = shelf.path(of: id)
    }

    /// Of another folder: a data folder, a copy of one, or its folder of partitions. All of its pages must be sound.
    init(_ id: PartitionID, in folder: String, length: PartitionLength) throws(ArchiveFailure) {
        let place = [folder + "/partitions", folder].first { access($0 + "/" + length.name(of: id) + ".mdb", R_OK) == 0 }
        guard let place else {
            throw .folder(path: folder, reason: "has no file \(length.name(of: id)).mdb; name a data folder, or a copy of one")
        }
        do {
            shelf = try PartitionShelf(folder: place, length: length, indexes: [], openMax: 1, options: .init(.readFrozen))
            path = shelf.path(of: id)
            if let damage = try PageSums.verdict(on: path).error(in: path) {
                throw ArchiveFailure.folder(path: path, reason: "is damaged itself (\(damage)); name another copy")
            }
            guard let lease = try shelf.lease(id) else { throw ArchiveFailure.folder(path: path, reason: "is not there any more") }
            partition = lease.partition
            self.lease = lease
        } catch { throw ArchiveFailure(error) }
    }

    /// Nil where there is none, or none that can be read.
    func record(at position: Position) throws(ArchiveFailure) -> [UInt8]? { try value(at: position, in: partition.trail) }

    /// The same of the stored body. It may be there where the record cannot be read any more.
    func body(at position: Position) throws(ArchiveFailure) -> [UInt8]? { try value(at: position, in: partition.bodies) }

    private func value(at position: Position, in table: Table) throws(ArchiveFailure) -> [UInt8]? {
        let key = position.key
        do {
            return try partition.environment.read { reader in
                try reader.lend(key.span.bytes, in: table) { value in value.withUnsafeBytes { [UInt8]($0) } }
            }
        } catch {
            let failure = ArchiveFailure(error)
            guard failure.isDamage else { throw failure }
            return nil
        }
    }
}
