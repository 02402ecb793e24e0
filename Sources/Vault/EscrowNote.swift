import Events
import Glibc

/// What the vault knows of the file at the escrow's place: so that one that is gone, or another in its place, is noticed.
///
/// It lies in a file beside the keyring (`escrowed`): ANNALSEN | version u32 | when the one was made that is lost i64, 0: none is |
/// twice, of the escrow there and of the next: whether there is one u8, its head and digest | BLAKE2b-256 of all that.
/// It is not secret.
struct EscrowNote: Equatable, Sendable {
    /// The escrow that lies there.
    var known: EscrowMark?
    /// The one that is about to take its place. Noted before it does, for a crash leaves either.
    var next: EscrowMark?
    /// When the escrow was made that nobody overwrote and that is not there any more. Stays until the operator removes the note.
    var lost: Instant?

    private static let magic = Array("ANNALSEN".utf8)
    private static let version: UInt32 = 1
    private static let fixedBytes = 20
    private static let byteCountMax = fixedBytes + 2 * (1 + EscrowMark.byteCountMax) + Escrow.digestBytes

    /// What may lie there.
    var marks: [EscrowMark] { [known, next].compactMap { $0 } }

    /// Whether what was found may be replaced: nothing is left of an escrow elsewhere that a purge would have to reach.
    func isInPlace(_ found: Escrow.Found) -> Bool {
        switch found {
        case .nothing, .another: known == nil
        case .overwritten, .whole, .damaged: true
        }
    }

    /// Learns from what was found which of the two took its place.
    mutating func settle(_ found: Escrow.Found) {
        guard case .whole(let there) = found, there != known else { return }
        self = EscrowNote(known: there, lost: lost)
    }
}

extension EscrowNote {
    var encoded: [UInt8] {
        let time = lost.map { max(1, $0.milliseconds) } ?? 0
        let content =
            Self.magic + KeyringHeader.bytes(Self.version) + KeyringHeader.bytes(time) + Self.bytes(of: known) + Self.bytes(of: next)
        return content + Escrow.digest(content)
    }

    private static func bytes(of mark: EscrowMark?) -> [UInt8] { mark.map { [1] + $0.encoded } ?? [0] }

    /// Reads the note; nil if there is none.
    init?(readingFrom path: String) throws(VaultFailure) {
        guard let file = try VaultFile(ifThere: path, O_RDONLY) else { return nil }
        let bytes = try file.bytes(at: 0, countMax: Self.byteCountMax)
        let content = Array(bytes.dropLast(Escrow.digestBytes))
        guard content.starts(with: Self.magic), content.count >= Self.fixedBytes,
            Escrow.digest(content)[...] == bytes.suffix(Escrow.digestBytes)
        else { throw Self.damaged(path) }
        let version: UInt32 = KeyringHeader.number(in: content, at: 8)
        guard version == Self.version else {
            throw .refused(path: path, reason: "is of format \(version), and this program knows \(Self.version); use the newer program")
        }
        let time: Int64 = KeyringHeader.number(in: content, at: 12)
        guard Instant(milliseconds: time).isWritable else { throw Self.damaged(path) }
        lost = time == 0 ? nil : Instant(milliseconds: time)
        var rest = content[Self.fixedBytes...]
        known = try Self.mark(in: &rest, path)
        next = try Self.mark(in: &rest, path)
        guard rest.isEmpty else { throw Self.damaged(path) }
    }

    private static func mark(in rest: inout ArraySlice<UInt8>, _ path: String) throws(VaultFailure) -> EscrowMark? {
        guard let isThere = rest.popFirst(), isThere < 2 else { throw damaged(path) }
        if isThere == 0 { return nil }
        guard let mark = try EscrowMark(takenFrom: &rest, path: path) else { throw damaged(path) }
        return mark
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
