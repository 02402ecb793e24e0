import Events
import Glibc
package import Merkle

/// A tombstone on disk: header, leaf hashes, head, trailer. Written front to back, and read from its end.
package struct TombstoneFile: Sendable {
    package let path: String

    /// Reads and checks the head. The hashes are not looked at: they add up to the root that the head names.
    package func read(_ partition: PartitionID) throws(LedgerFailure) -> Tombstone {
        let file = try PlainFile(path, O_RDONLY)
        let length = try file.length()
        guard length >= Tombstone.headerBytes + Tombstone.trailerBytes else { throw damaged }
        let trailer = try file.read(at: length - Tombstone.trailerBytes, Tombstone.trailerBytes)
        let headBytes = trailer.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        let room = length - Tombstone.headerBytes - Tombstone.trailerBytes
        guard let headBytes = Int(exactly: headBytes), headBytes <= room else { throw damaged }
        let head = try file.read(at: length - Tombstone.trailerBytes - headBytes, headBytes)
        guard let stone = Tombstone(partition: partition, head: head, digest: Array(trailer.dropFirst(8))),
            UInt64(room - headBytes).quotientAndRemainder(dividingBy: UInt64(TreeHash.byteCount)) == (stone.totals.events, 0),
            try file.read(at: 0, Tombstone.headerBytes) == Tombstone.header(partition)
        else { throw damaged }
        return stone
    }

    /// Calls `body` with slices of the leaf hashes, in order of position.
    package func forEachSlice(of stone: Tombstone, _ body: ([TreeHash]) throws -> Void) throws {
        let file = try PlainFile(path, O_RDONLY)
        var rest = Int(stone.totals.events)
        var offset = Tombstone.headerBytes
        while rest > 0 {
            let count = min(rest, Self.sliceHashes)
            let bytes = try file.read(at: offset, count * TreeHash.byteCount)
            let hashes = stride(from: 0, to: bytes.count, by: TreeHash.byteCount).compactMap { start in
                TreeHash(stored: bytes[start..<start + TreeHash.byteCount])
            }
            try body(hashes)
            rest -= count
            offset += bytes.count
        }
    }

    private static let sliceHashes = 4096

    private var damaged: LedgerFailure { .damaged(path: path, table: "tombstone", reason: "its bytes make no sense") }
}
