import Testing

@testable import Merkle

@Suite("VerifierKey")
struct VerifierKeyTests {
    @Test(
        "keys of others are read, and written the same",
        arguments: [
            (KnownNotes.Go.peterKey, "PeterNeumann", 0xC74F_20A3), (KnownNotes.Go.enochKey, "EnochRoot", 0xAF0C_FE78),
            (KnownNotes.Specification.key, "example.com/foo", 0x530D_903A),
            (KnownNotes.ChecksumDatabase.key, "sum.golang.org", 0x033D_E0AE),
            // With a plus in its base64.
            ("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", "TEST", 0x7997_405C),
        ] as [(String, String, UInt32)])
    func known(_ text: String, _ name: String, _ id: UInt32) throws {
        let key = try VerifierKey(parsing: text)
        #expect(key.text == text)
        #expect(key.name.text == name)
        #expect(key.id == NoteKeyID(id))
        #expect(try VerifierKey(name: key.name, publicKey: key.publicKey) == key)
    }

    @Test("the specification's key has the bytes that it says")
    func bytes() throws {
        #expect(try VerifierKey(parsing: KnownNotes.Specification.key).publicKey == Hex.bytes(of: KnownNotes.Specification.keyHex))
    }

    @Test("no part of a key is a key")
    func parts() {
        let bytes = Array(KnownNotes.Go.peterKey.utf8)
        for start in bytes.indices {
            for end in start...bytes.count where end - start < bytes.count {
                #expect(throws: NoteKeyFault.self) { try VerifierKey(parsing: String(decoding: bytes[start..<end], as: UTF8.self)) }
            }
        }
    }

    @Test("a key with any of its signs changed is refused")
    func changed() {
        let bytes = Array(KnownNotes.Go.peterKey.utf8)
        for index in bytes.indices {
            for change in [bytes[index] &+ 1, bytes[index] ^ 0x20, UInt8(ascii: "+"), UInt8(ascii: " ")] where change != bytes[index] {
                var changed = bytes
                changed[index] = change
                #expect(throws: NoteKeyFault.self) { try VerifierKey(parsing: String(decoding: changed, as: UTF8.self)) }
            }
        }
    }

    @Test("a key of another type or length, with the id that it would have, is refused")
    func otherKeys() {
        #expect(throws: NoteKeyFault.unknownType(0x65)) {
            try VerifierKey(parsing: "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        }
        #expect(throws: NoteKeyFault.malformed) {
            try VerifierKey(parsing: "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==")
        }
        #expect(throws: NoteKeyFault.wrongID) {
            try VerifierKey(parsing: "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        }
        #expect(throws: NoteKeyFault.malformed) {
            try VerifierKey(parsing: "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        }
    }

    @Test("a signer has the public key of its seed, and a seed has 32 bytes")
    func signers() throws {
        let peter = try KnownNotes.peter()
        #expect(peter.verifier.text == KnownNotes.Go.peterKey)
        for count in [0, 31, 33, 64] {
            #expect(throws: NoteKeyFault.malformed) { try NoteSigner(name: peter.name, seed: [UInt8](repeating: 1, count: count)) }
            #expect(throws: NoteKeyFault.malformed) { try VerifierKey(name: peter.name, publicKey: [UInt8](repeating: 1, count: count)) }
        }
    }

    @Test("a name has no spaces of any kind, no plus, no control characters, and is not empty")
    func names() {
        for name in ["a", "example.com/abc123", "log/é", "字", "a-b_c~d", "—"] { #expect(NoteKeyName(name)?.text == name) }
        for name in [
            "", " ", "a b", "a+b", "a\tb", "a\nb", "a\u{B}b", "a\u{A0}b", "a\u{2003}b", "a\u{3000}b", "a\u{85}b", "a\u{2028}b", "a\u{0}b",
            "a\u{1F}b",
        ] {
            #expect(NoteKeyName(name) == nil, "\(name)")
        }
        #expect(NoteKeyName([0xC3] as [UInt8]) == nil)
    }

    @Test("é of one scalar and é of two are different names")
    func spellings() throws {
        let composed = try KnownNotes.signer("\u{E9}", seed: 1).verifier
        let decomposed = try KnownNotes.signer("e\u{301}", seed: 1).verifier
        #expect(composed != decomposed)
        #expect(composed.id != decomposed.id)
    }

    @Test("what is wrong with a key is told in a sentence")
    func explanations() {
        #expect(NoteKeyFault.malformed.explanation == "the key is not of the form name+id+base64")
        #expect(NoteKeyFault.wrongID.explanation == "the key's id does not belong to its name and bytes")
        #expect(NoteKeyFault.unknownType(4).explanation == "the key is of type 4; only Ed25519, type 1, is known")
    }
}
