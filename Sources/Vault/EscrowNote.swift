import Glibc

/// What the vault knows of the file at the escrow's place: so that one that is gone, or another in its place, is noticed.
///
/// It lies in a file beside the keyring (`escrowed`): ANNALSEN | version u32 | twice, of the escrow there and of the next:
/// whether there is one u8, and its head | BLAKE2b-256 of all that. It is not secret.
struct EscrowNote: Equatable, Sendable {
    /// The escrow that lies there.
    var known: EscrowHeader?
    /// The one that is about to take its place. Noted before it does, for a crash leaves either.
    var next: EscrowHeader?

    private static let magic = Array("ANNALSEN".utf8)
    private static let version: UInt32 = 1
    private static let byteCountMax = 12 + 2 * (1 + EscrowHeader.byteCountMax) + Escrow.digestBytes

    /// Whether what was found may be replaced: nothing is left of an escrow elsewhere that a purge would have to reach.
    func isInPlace(_ found: Escrow.Found) -> Bool {
        switch found {
        case .nothing: known == nil
        case .overwritten: true
        case .escrow(let there, _): there == known || there == next
        }
    }

    /// Learns from what was found which of the two took its place.
    mutating func settle(_ found: Escrow.Found) {
        guard case .escrow(let there, _) = found, there != known, there == next else { return }
        self = EscrowNote(known: there)
    }
}

extension EscrowNote {
    var encoded: [UInt8] {
        let content = Self.magic + KeyringHeader.bytes(Self.version) + Self.bytes(of: known) + Self.bytes(of: next)
        return content + Escrow.digest(content)
    }

    private static func bytes(of header: EscrowHeader?) -> [UInt8] { header.map { [1] + $0.encoded } ?? [0] }

    /// Reads the note; nil if there is none.
    init?(readingFrom path: String) throws(VaultFailure) {
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { return nil }
        let bytes = try file.bytes(at: 0, countMax: Self.byteCountMax)
        let content = Array(bytes.dropLast(Escrow.digestBytes))
        guard content.starts(with: Self.magic), content.count >= 12, Escrow.digest(content)[...] == bytes.suffix(Escrow.digestBytes) else {
            throw Self.damaged(path)
        }
        let version: UInt32 = KeyringHeader.number(in: content, at: 8)
        guard version == Self.version else {
            throw .refused(path: path, reason: "is of format \(version), and this program knows \(Self.version); use the newer program")
        }
        var rest = content[12...]
        known = try Self.header(in: &rest, path)
        next = try Self.header(in: &rest, path)
    }

    private static func header(in rest: inout ArraySlice<UInt8>, _ path: String) throws(VaultFailure) -> EscrowHeader? {
        guard let isThere = rest.popFirst(), isThere < 2 else { throw damaged(path) }
        if isThere == 0 { return nil }
        let header = try EscrowHeader(decoding: Array(rest), path: path)
        rest = rest.dropFirst(header.encoded.count)
        return header
    }

    private static func damaged(_ path: String) -> VaultFailure {
        .refused(
            path: path,
            reason: "is damaged, and said which escrow was made last; see that the one in its place is that, and that no other is left, "
                + "then remove this file")
    }

    /// Durably, and whole or not at all.
    func write(to path: String) throws(VaultFailure) {
        let draft = path + ".new"
        let file = try VaultFile(opening: draft, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(encoded[...], at: 0)
        try file.syncWhole()
        try VaultFile.rename(draft, path)
        try VaultFile.syncFolder(of: path)
    }
}
