import Events
import Synchronization
import Testing

@testable import Vault

@Suite("SealedBody")
struct SealedBodyTests {
    /// McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B, test case 16 (and once more by Python's cryptography 48).
    @Test("a body is sealed with AES-256-GCM, its nonce the prefix and the position, the record its associated data")
    func knownAnswer() throws {
        let vault = try VaultHome().open()
        let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
        let owner = try owner()
        try vault.shelf.withLock { shelf in
            try shelf.add(KeyID(0x0102), owner, isSaved: true) { $0.copyBytes(from: key) }
        }
        let plain = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
        let record = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let position = Position(0xface_dbad_deca_f888)
        let stored = vault.sealed(plain, under: KeyID(0x0102), prefix: 0xcafe_babe, position: position, record: record)
        #expect(
            stored
                == bytes(
                    "0000000000000102cafebabe"
                        + "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                        + "76fc6ece0f4e1768cddf8853bb2d551b"))
        #expect(vault.opened(stored, position: position, record: record) == (.plain, plain))
    }

    @Test("what was sealed is opened, at every length", arguments: [0, 1, 15, 16, 17, 127, 128, 129, 4096, 1 << 20])
    func roundTrip(count: Int) throws {
        let vault = try VaultHome().open()
        let id = try vault.make(for: owner())
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let stored = vault.sealed(plain, under: id)
        #expect(stored.count == count + SealedBody.overheadBytes)
        #expect(stored.withUnsafeBytes { SealedBody.keyID(of: $0) } == id)
        #expect(vault.opened(stored) == (.plain, plain))
    }

    @Test("a body that was moved to another record, position or key, or changed anywhere, is damaged")
    func moved() throws {
        let vault = try VaultHome().open()
        let (id, other) = (try vault.make(for: owner()), try vault.make(for: owner(2)))
        let stored = vault.sealed(Array("hello".utf8), under: id, position: Position(5))
        #expect(vault.opened(stored, position: Position(5)).0 == .plain)
        #expect(vault.opened(stored, position: Position(6)).0 == .damaged)
        #expect(vault.opened(stored, position: Position(5), record: []).0 == .damaged)
        #expect(vault.opened(stored, position: Position(5), record: Array("another".utf8)).0 == .damaged)
        #expect(vault.opened([UInt8](vault.sealed([], under: other)[..<8]) + stored[8...], position: Position(5)).0 == .damaged)
        for offset in 8..<stored.count {
            var changed = stored
            changed[offset] ^= 1
            #expect(vault.opened(changed, position: Position(5)).0 == .damaged, "byte \(offset)")
        }
    }

    @Test("one text is sealed to different bytes under other prefixes, positions and keys")
    func differs() throws {
        let vault = try VaultHome().open()
        let (id, other) = (try vault.make(for: owner()), try vault.make(for: owner()))
        let plain = [UInt8](repeating: 0, count: 32)
        let all = [
            vault.sealed(plain, under: id), vault.sealed(plain, under: id, prefix: 8), vault.sealed(plain, under: other),
            vault.sealed(plain, under: id, position: Position(2)),
        ]
        #expect(Set(all.map { Array($0[12..<44]) }).count == 4)
    }

    @Test("bytes that are too few, or that name no key, are no sealed body")
    func noKeyID() throws {
        let vault = try VaultHome().open()
        let zero = [UInt8](repeating: 0, count: 40)
        #expect(zero.withUnsafeBytes { SealedBody.keyID(of: $0) } == nil)
        #expect([UInt8](repeating: 1, count: 27).withUnsafeBytes { SealedBody.keyID(of: $0) } == nil)
        #expect(vault.opened(zero).0 == .damaged)
        #expect(vault.opened([UInt8](repeating: 1, count: 27)).0 == .damaged)
        #expect(vault.opened([UInt8](repeating: 1, count: 28)).0 == .noKey)
    }

    @Test("more keys than there are prepared ones are used in any order, again and again")
    func manyKeys() throws {
        let vault = try VaultHome().open()
        let ids = try (0..<2 * CipherStates.countMax + 5).map { try vault.make(for: owner(Int32($0))) }
        let stored = ids.map { vault.sealed(Array("\($0)".utf8), under: $0) }
        for order in [Array(ids.indices), ids.indices.reversed(), ids.indices.map { $0 * 7 % ids.count }] {
            for index in order { #expect(vault.opened(stored[index]) == (.plain, Array("\(ids[index])".utf8))) }
        }
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex).compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
