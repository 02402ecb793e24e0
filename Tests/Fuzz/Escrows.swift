import CSodium
import Events
import Glibc

@testable import Vault

/// Escrows and the note of them, and the texts and files that keys come in.
///
/// Promises: heads and notes have one spelling. An escrow that anybody sealed to the public key is refused whole, and leaves nothing, or
/// is restored to what a start reads.
enum Escrows {
    static func run(_ input: Input) {
        var input = input
        switch input.byte() % 5 {
        case 0: header(input.remainder())
        case 1: note(input)
        case 2: key(input)
        default: escrow(input)
        }
    }

    private static func header(_ bytes: [UInt8]) {
        guard let header = attempt({ try EscrowHeader(decoding: bytes, path: "") }) else { return }
        promise(bytes.starts(with: header.encoded), "\(header) is written otherwise: \(header.encoded)")
        _ = EscrowMark(header: header, digest: EscrowMark.unread).byteCount
    }

    // MARK: Notes

    private static func note(_ input: Input) {
        var input = input
        let isSummed = input.byte() & 1 == 0
        let content = input.remainder()
        let bytes = isSummed ? content + Escrow.digest(content) : content
        let path = FuzzedFile.place("escrowed")
        FuzzedFile.write(bytes, to: path)
        guard let note = attempt({ try EscrowNote(readingFrom: path) }) ?? nil else { return }
        promise(note.encoded == bytes, "\(note) is written otherwise: \(note.encoded)")
    }

    // MARK: Keys

    private static func key(_ input: Input) {
        let text = input.rest
        if let key = attempt({ try HexKey.decode(text) }) ?? nil {
            let written = certain { try HexKey.withText(of: key) { [UInt8]($0) } }
            let line = String(decoding: text.prefix(HexKey.digits), as: UTF8.self).lowercased() + "\n"
            promise(written == Array(line.utf8), "a key is written otherwise")
        }
        let path = FuzzedFile.place("root.key")
        FuzzedFile.write([UInt8](text), to: path)
        _ = attempt { try RootKeyFile(path).candidates() }
        FuzzedFile.write([UInt8](repeating: 1, count: 32), to: FuzzedFile.place("credential"))
        _ = attempt { try RootKeyCredential(directory: FuzzedFile.home, name: "credential", file: path).candidates() }
    }

    // MARK: Escrows

    private static let secret: EscrowSecretKey = certain {
        let path = FuzzedFile.place("secret.key")
        FuzzedFile.write(Array((String(repeating: "42", count: 32) + "\n").utf8), to: path)
        return try EscrowSecretKey(readingFrom: path)
    }

    private static func escrow(_ input: Input) {
        var input = input
        let path = FuzzedFile.place("escrow")
        let keyring = keyring(&input)
        var header = EscrowHeader(
            madeAt: .distantPast, recipient: secret.publicKey, root: Keyrings.root.id, nextKey: KeyID(UInt64(input.byte()) + 1),
            keys: input.number(0...3), keyringBytes: keyring.count, instance: "fuzz")
        if input.byte() & 7 == 0 { header.keyringBytes += 1 }
        let head = header.encoded
        var plain = [UInt8](repeating: 0x41, count: RootKey.byteCount) + Escrow.digest(head + keyring)
        if input.byte() & 7 == 0 { plain[input.number(0...63)] ^= 1 }
        var sealed = [UInt8](repeating: 0, count: Escrow.sealedBytes)
        crypto_box_seal(&sealed, plain, UInt64(plain.count), secret.publicKey.bytes)
        FuzzedFile.write(head + sealed + keyring, to: path)
        guard let opened = attempt({ try OpenedEscrow(opening: path, with: secret) }) else { return }
        restore(opened, givesUpLaterKeys: input.byte() & 1 == 0)
    }

    /// One of hostile boxes, or any bytes.
    private static func keyring(_ input: inout Input) -> [UInt8] {
        if input.byte() & 3 == 0 { return input.piece() }
        let contents = (0..<input.number(1...2)).map { _ in input.piece() }
        let header = KeyringHeader(boxes: input.number(1...2), nextKey: KeyID(3), root: Keyrings.root.id, instance: "fuzz")
        return header.encoded + Keyrings.box(contents, head: header.encoded)
    }

    private static func restore(_ opened: OpenedEscrow, givesUpLaterKeys: Bool) {
        let folder = FuzzedFile.place("restored")
        let files = VaultFolder(path: folder)
        let key = folder + "/root.key"
        let isRestored = attempt { try opened.restore(to: folder, givesUpLaterKeys: givesUpLaterKeys) } != nil
        if isRestored {
            let vault = attempt {
                try Vault.open(folder: folder, instance: opened.instance, root: RootKeyFile(key), mayBeNew: false)
            }
            promise(vault != nil, "what was restored does not open")
        } else {
            promise(!files.isThere(files.keyring) && !files.isThere(key), "what was not restored is there")
        }
        for file in [files.keyring, files.next, files.old, key] { unlink(file) }
    }
}
