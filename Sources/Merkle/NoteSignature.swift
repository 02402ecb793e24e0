/// A signature line of a note: em dash, space, key name, space, base64 of the key's id and the signature (https://c2sp.org/signed-note).
package struct NoteSignature: Hashable, Sendable {
    package let name: NoteKeyName
    package let id: NoteKeyID
    /// At least one; how many, the kind of the key says. 64 for Ed25519.
    package let bytes: [UInt8]

    private static let prefix = Array("— ".utf8)

    package init(name: NoteKeyName, id: NoteKeyID, bytes: [UInt8]) {
        precondition(!bytes.isEmpty, "a signature has bytes because it was made by a key")
        self.name = name
        self.id = id
        self.bytes = bytes
    }

    /// Of a line without its end.
    init?(line: some Collection<UInt8>) {
        guard line.starts(with: Self.prefix) else { return nil }
        let words = line.dropFirst(Self.prefix.count).split(
            separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let name = NoteKeyName(words[0]), let bytes = Base64.bytes(of: words[1]),
            bytes.count > NoteKeyID.byteCount
        else { return nil }
        self.init(
            name: name, id: NoteKeyID(bytes: bytes.prefix(NoteKeyID.byteCount)), bytes: Array(bytes.dropFirst(NoteKeyID.byteCount)))
    }

    /// Without its end.
    var line: [UInt8] { Self.prefix + name.line.utf8 + " ".utf8 + Base64.text(of: id.bytes + bytes).utf8 }

    func isBy(_ key: VerifierKey) -> Bool { name == key.name && id == key.id }
}
