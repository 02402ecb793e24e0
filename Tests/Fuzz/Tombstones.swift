import Events
import Glibc

@testable import Ledger
@testable import Merkle

/// Tombstones: anybody can make a digest, so the head's bytes may be any.
///
/// Promises: a head has one spelling; a file is refused, or its stone gives leaf hashes for every event that it names.
enum Tombstones {
    static func run(_ input: Input) {
        var input = input
        let isFile = input.byte() & 1 == 1
        let partition = PartitionID(Int32(truncatingIfNeeded: Int(input.word16())))
        if isFile { return file(input, of: partition) }
        let bytes = input.remainder()
        guard let stone = stone(partition, head: bytes) else { return }
        let made = Tombstone.made(partition, stone.totals, runs: stone.runs, kept: stone.kept, root: stone.root)
        promise(made.head == bytes && made.stone == stone, "\(stone) is written otherwise: \(made.head)")
        look(at: stone)
    }

    private static func stone(_ partition: PartitionID, head: [UInt8]) -> Tombstone? {
        Tombstone(partition: partition, head: head, digest: digest(partition, head))
    }

    private static func digest(_ partition: PartitionID, _ head: [UInt8]) -> [UInt8] {
        (Tombstone.header(partition) + head).withUnsafeBytes { TreeHash(leaf: $0).stored }
    }

    private static func look(at stone: Tombstone) {
        for run in stone.runs {
            promise(stone.run(of: run.first) == run && stone.run(of: run.last) == run, "\(run) does not hold its own ends")
        }
        for one in stone.kept {
            promise(stone.record(at: one.position) == one.record, "a record that is kept is not found: \(one)")
            _ = one.leaf
        }
        _ = stone.kept(in: .first ... .last)
        promise(stone.covers(stone.totals), "a stone does not cover itself")
    }

    // MARK: Files

    private static let path = FuzzedFile.place("tombstone")

    private static func file(_ input: Input, of partition: PartitionID) {
        var input = input
        let (isFixed, count) = (input.byte() & 3 != 0, input.number(0...9))
        let hashes = (0..<count).map { number in [UInt8(number)].withUnsafeBytes { TreeHash(leaf: $0) } }
        let tail = input.piece()
        var head = input.remainder()
        if isFixed, head.count >= Tombstone.headBytesMin { fix(&head, hashes) }
        let trailer = KeyBytes.of(UInt64(head.count)) + digest(partition, head)
        FuzzedFile.write(Tombstone.header(partition) + hashes.flatMap(\.stored) + head + trailer + tail, to: path)
        let file = TombstoneFile(path: path)
        let found = attempt { try file.find(partition) } ?? nil
        guard let stone = attempt({ try file.read(partition) }) else { return promise(found == nil, "a stone is found and cannot be read") }
        look(at: stone)
        if attempt({ try file.checkKept(stone) }) != nil { promise(stone.kept.count <= count, "more is kept than there was") }
        for run in stone.runs {
            let leaves = attempt { try file.leaves(of: stone, run.first...run.last) }
            promise(leaves?.count == Int(run.count), "\(run) has \(leaves?.count ?? -1) leaves")
        }
        promise(found == nil || found == stone, "a stone is found otherwise than it is read")
    }

    /// The root of the hashes in its place, so that the other checks are reached.
    private static func fix(_ head: inout [UInt8], _ hashes: [TreeHash]) {
        var frontier = Frontier()
        for hash in hashes { frontier.append(hash) }
        head.replaceSubrange(56..<56 + TreeHash.byteCount, with: frontier.root.stored)
    }
}

/// A number as keys have it.
enum KeyBytes {
    static func of(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) } }
}
