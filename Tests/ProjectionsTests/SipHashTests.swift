import Projections
import Testing

@Suite("SipHash")
struct SipHashTests {
    /// What Python hashes these bytes to, which has SipHash-1-3 since 3.11: `PYTHONHASHSEED=0`, whose key is 0.
    @Test("its answers are the known ones")
    func knownAnswers() {
        let hash = SipHash(key: (0, 0))
        let words: [UInt64] = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, 0x1716_1514_1312_1110]
        #expect(hash.of([words[0]] as InlineArray<1, UInt64>) == 0xEAD4_11E6_7EBE_2EEA)
        #expect(hash.of([words[0], words[1]] as InlineArray<2, UInt64>) == 0x8972_1884_33A5_C5B7)
        #expect(hash.of([words[0], words[1], words[2]] as InlineArray<3, UInt64>) == 0x3118_5A47_AF93_2F3A)
    }

    @Test("another key has other answers")
    func keys() {
        let words: InlineArray<2, UInt64> = [1, 2]
        #expect(SipHash(key: (1, 0)).of(words) != SipHash(key: (0, 1)).of(words))
        #expect(SipHash(key: (1, 0)).of(words) != SipHash(key: (0, 0)).of(words))
    }

    @Test("names are told apart: each length, each byte, and where one ends and the next begins")
    func names() {
        let hash = SipHash(key: (3, 5))
        var seen: Set<UInt64> = []
        var count = 0
        func add(_ number: UInt64, _ names: [UInt8]...) {
            let found = names[0].withUnsafeBytes { first in
                names[1].withUnsafeBytes { second in
                    names[2].withUnsafeBytes { third in hash.of(number, first, second, third) }
                }
            }
            seen.insert(found)
            count += 1
        }
        let all = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        for end in 0...all.count { add(1, Array(all[..<end]), Array(all[end...]), []) }
        for end in 0...all.count { add(1, [], Array(all[..<end]), Array(all[end...])) }
        for length in 1..<all.count {
            for byte in 0..<length {
                var name = Array(all[..<length])
                add(1, Array(name[..<byte]), Array(name[..<byte]), name)
                name[byte] ^= 0x20
                add(1, name, [], [])
                add(2, name, [], [])
                add(1, [], name, [])
            }
        }
        // The one that both of the first loops make.
        #expect(seen.count == count - 1)
    }
}
