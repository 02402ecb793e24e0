import Merkle
import TestSupport
import Testing

@Suite("EntryBundle")
struct EntryBundleTests {
    @Test("each entry stands behind its length in two bytes, the high one first")
    func layout() throws {
        let long = [UInt8](repeating: 7, count: 0x0102)
        let bundle = try EntryBundle([[0xAA], [], long])
        #expect(bundle.bytes == [0, 1, 0xAA, 0, 0, 1, 2] + long)
        #expect(try EntryBundle(parsing: bundle.bytes) == bundle)
    }

    @Test("its entries hash to the leaves of its tile")
    func leaves() throws {
        let bundle = try EntryBundle(ReferenceLog.records)
        #expect(bundle.leafHashes == ReferenceLog.nodes[0])
        #expect(TreeHash(rootOf: bundle.leafHashes) == ReferenceLog.roots[8])
    }

    @Test("entries of any lengths come back")
    func roundTrips() throws {
        var random = SeededRandom(for: "bundles")
        for _ in 0..<50 {
            let entries = (0..<Int.random(in: 1...256, using: &random)).map { _ in random.bytes(Int.random(in: 0...40, using: &random)) }
            #expect(try EntryBundle(parsing: EntryBundle(entries).bytes).entries == entries)
        }
        let longest = [UInt8](repeating: 1, count: EntryBundle.entryBytesMax)
        #expect(try EntryBundle(parsing: EntryBundle([longest]).bytes).entries == [longest])
    }

    @Test("a bundle that was cut off anywhere is refused, or is one of fewer entries")
    func truncated() throws {
        let bytes = try EntryBundle([[1, 2], [], [3]]).bytes
        let ends = [4, 6]
        for end in 1..<bytes.count {
            if ends.contains(end) {
                #expect(try EntryBundle(parsing: Array(bytes[..<end])).entries == Array([[1, 2], [], [3]][..<(end == 4 ? 1 : 2)]))
            } else {
                #expect(throws: EntryBundleFault.truncated) { try EntryBundle(parsing: Array(bytes[..<end])) }
            }
        }
    }

    @Test("no entries, more than 256, or one whose length does not fit are refused")
    func limits() {
        #expect(throws: EntryBundleFault.wrongCount) { try EntryBundle([]) }
        #expect(throws: EntryBundleFault.wrongCount) { try EntryBundle(parsing: []) }
        #expect(throws: EntryBundleFault.wrongCount) { try EntryBundle(Array(repeating: [], count: 257)) }
        #expect(throws: EntryBundleFault.wrongCount) { try EntryBundle(parsing: [UInt8](repeating: 0, count: 2 * 257)) }
        #expect(throws: EntryBundleFault.entryTooLong(index: 1)) {
            try EntryBundle([[], [UInt8](repeating: 0, count: 65_536)])
        }
    }
}
