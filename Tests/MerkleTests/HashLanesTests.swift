import CSHA256
import Merkle
import TestSupport
import Testing

@Suite("HashLanes")
struct HashLanesTests {
    /// All that hash side by side.
    private static let lanes = HashLanes.all.filter { $0 != .one }

    /// FIPS 180-2, appendix B, and NIST's examples (SHA256.pdf): without the empty message, since a leaf and a node have a first byte.
    private static let known: [(message: String, hash: String)] = [
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (String(repeating: "a", count: 1_000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ]

    @Test("the known answers come out of every lane, and beside every other message", arguments: lanes)
    func knownAnswers(_ lanes: HashLanes) {
        for turn in 0..<lanes.count {
            let texts = (0..<lanes.count).map { Self.known[($0 + turn) % Self.known.count] }
            for (text, hash) in zip(texts, Self.hashes(of: texts.map { Array($0.message.utf8) }, lanes)) { #expect(hash.hex == text.hash) }
        }
    }

    /// Messages as they are, whose first bytes come apart from the others.
    private static func hashes(of messages: [[UInt8]], _ lanes: HashLanes) -> [TreeHash] {
        let all = messages.flatMap(\.self)
        var start = 0
        var digests = [UInt8](repeating: 0, count: 32 * messages.count)
        all.withUnsafeBytes { bytes in
            let parts = messages.map { message in
                defer { start += message.count }
                return sha256_message(bytes: bytes.baseAddress.map { $0 + start + 1 }, count: message.count - 1, prefix: message[0])
            }
            sha256_many(UInt32(lanes.count), parts, parts.count, &digests)
        }
        return digests.withUnsafeBytes { bytes in
            messages.indices.compactMap { TreeHash(UnsafeRawBufferPointer(rebasing: bytes[32 * $0..<32 * $0 + 32])) }
        }
    }

    @Test("leaves of all lengths are hashed as the library hashes them", arguments: HashLanes.all)
    func lengths(_ lanes: HashLanes) {
        var random = SeededRandom(for: "leaves of all lengths")
        // Up to what a lane takes, and beyond it.
        let records = (Array(0...300) + Array(1_000...1_030) + [4_096, 70_000]).map { random.bytes($0) }
        #expect(Self.leaves(records, lanes) == records.map(TreeHash.init(record:)))
    }

    @Test("leaves of mixed lengths, as many as come, are hashed as the library hashes them", arguments: HashLanes.all)
    func mixes(_ lanes: HashLanes) {
        var random = SeededRandom(for: "leaves of mixed lengths")
        for _ in 0..<100 {
            let records = (0..<Int.random(in: 0...70, using: &random)).map { _ in
                random.bytes(Int.random(in: 0...(random.chance(of: 1, in: 20) ? 1_100 : 200), using: &random))
            }
            #expect(Self.leaves(records, lanes) == records.map(TreeHash.init(record:)))
        }
    }

    @Test("a batch is empty again when its hashes are taken")
    func again() {
        var batch = LeafBatch()
        for records in [["a", "b", "c", "d"], [], ["e"]] {
            for record in records { Array(record.utf8).withUnsafeBytes { batch.add($0) } }
            #expect(batch.count == records.count)
            #expect(batch.takeHashes() == records.map { TreeHash(record: Array($0.utf8)) })
            #expect(batch.count == 0)
        }
    }

    private static func leaves(_ records: [[UInt8]], _ lanes: HashLanes) -> [TreeHash] {
        var batch = LeafBatch(lanes)
        for record in records { record.withUnsafeBytes { batch.add($0) } }
        return batch.takeHashes()
    }

    @Test("pairs are joined as the library joins them", arguments: HashLanes.all)
    func parents(_ lanes: HashLanes) {
        let leaves = NaiveTree(count: 70).leaves
        for count in stride(from: 0, through: leaves.count, by: 2) {
            let joined = stride(from: 0, to: count, by: 2).map { TreeHash(left: leaves[$0], right: leaves[$0 + 1]) }
            #expect(TreeHash.parents(of: Array(leaves.prefix(count)), lanes) == joined)
        }
    }

    @Test("what is best is one of all")
    func best() {
        #expect(HashLanes.all.contains(.best))
    }
}
