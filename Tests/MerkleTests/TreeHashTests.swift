import Merkle
import TestSupport
import Testing

@Suite("TreeHash")
struct TreeHashTests {
    @Test("leaves and nodes are hashed as Certificate Transparency hashes them")
    func reference() {
        #expect(ReferenceLog.records.map(TreeHash.init(record:)) == ReferenceLog.nodes[0])
        for (lower, upper) in zip(ReferenceLog.nodes, ReferenceLog.nodes.dropFirst()) {
            let joined = stride(from: 0, to: lower.count, by: 2).map { TreeHash(left: lower[$0], right: lower[$0 + 1]) }
            #expect(joined == upper)
        }
    }

    @Test("a tree without leaves has the hash of nothing, and a leaf without bytes has another")
    func empty() {
        #expect(TreeHash.empty.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(TreeHash(record: []) != .empty)
    }

    @Test("a record with the bytes of a node is not taken for the node")
    func domains() {
        let (left, right) = (ReferenceLog.nodes[0][0], ReferenceLog.nodes[0][1])
        let bytes = [left, right].flatMap { hash in hash.withUnsafeBytes { [UInt8]($0) } }
        #expect(TreeHash(record: bytes) != TreeHash(left: left, right: right))
        #expect(TreeHash(left: left, right: right) != TreeHash(left: right, right: left))
    }

    @Test("a hash takes the 32 bytes that it holds, and no more")
    func size() {
        #expect(MemoryLayout<TreeHash>.stride == 32)
    }

    @Test("a hash comes back from its bytes, its hex and its base64")
    func roundTrips() {
        var random = SeededRandom(for: "texts of hashes")
        for _ in 0..<200 {
            let hash = TreeHash(record: random.bytes(8))
            #expect(hash.withUnsafeBytes { TreeHash($0) } == hash)
            #expect(TreeHash(hex: hash.hex) == hash)
            #expect(TreeHash(base64: hash.base64) == hash)
            #expect(hash.hex.utf8.count == 64)
            #expect(hash.base64.utf8.count == 44)
        }
        #expect(TreeHash.empty.base64 == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    }

    @Test("what is not the text of 32 bytes is no hash")
    func malformed() {
        let hex = TreeHash.empty.hex
        for text in ["", String(hex.dropLast()), String(hex.dropLast(2)), hex + "00", hex.uppercased(), String(hex.dropLast()) + "g"] {
            #expect(TreeHash(hex: text) == nil, "\(text)")
        }
        let base64 = TreeHash.empty.base64
        for text in ["", String(base64.dropLast()), base64 + "=", base64 + "\n", " " + base64, String(base64.dropLast(4)), "AAAA" + base64]
        {
            #expect(TreeHash(base64: text) == nil, "\(text)")
        }
        for count in [0, 31, 33] {
            #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { TreeHash($0) } == nil)
        }
    }
}
