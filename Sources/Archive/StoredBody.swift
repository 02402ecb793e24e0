import Crypto
import Events
import Vault

/// A body as it is stored: 16 random bytes of salt and the body, sealed together (`SealedBody`) under a key that can be destroyed,
/// and bound to its trail record. The commitment in the trail is the SHA-256 of salt and body.
enum StoredBody {
    static let saltBytes = 16
    /// What a stored body has beside the body itself.
    static let overheadBytes = SealedBody.overheadBytes + saltBytes

    /// What became of opening a stored body.
    enum Opening {
        case body([UInt8])
        /// Nobody can read it again: its key is destroyed, and perhaps the sealed bytes are deleted as well.
        case gone(isStored: Bool)
        /// It does not match its record.
        case damaged
    }

    static func commitment(salt: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) -> SHA256.Digest {
        var hash = SHA256()
        hash.update(bufferPointer: salt)
        hash.update(bufferPointer: body)
        return hash.finalize()
    }

    /// Puts salt and body where the vault seals them in place.
    static func write(salt: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, into stored: UnsafeMutableRawBufferPointer) {
        precondition(stored.count == overheadBytes + body.count, "salt and body fill their room because it was measured for them")
        let start = SealedBody.prefixBytes
        UnsafeMutableRawBufferPointer(rebasing: stored[start...]).copyMemory(from: salt)
        UnsafeMutableRawBufferPointer(rebasing: stored[(start + saltBytes)...]).copyMemory(from: body)
    }

    /// Opens a stored body and checks it against its record's length and commitment.
    static func open(
        _ stored: UnsafeRawBufferPointer, of send: Send, at position: Position, record: UnsafeRawBufferPointer, with vault: Vault
    ) -> Opening {
        if stored.isEmpty { return .gone(isStored: false) }
        guard stored.count == overheadBytes + Int(send.bodyBytes) else { return .damaged }
        return withPlain(of: stored, at: position, record: record, with: vault) { plain in
            guard let plain, matches(plain, send) else { return .damaged }
            return .body([UInt8](plain[saltBytes...]))
        } ?? .gone(isStored: true)
    }

    /// Whether a body is there that opens with this record and no other.
    static func isWhole(
        _ stored: UnsafeRawBufferPointer, of send: Send, at position: Position, record: UnsafeRawBufferPointer, with vault: Vault
    ) -> Bool {
        guard stored.count == overheadBytes + Int(send.bodyBytes) else { return false }
        return withPlain(of: stored, at: position, record: record, with: vault) { plain in plain.map { matches($0, send) } ?? false }
            ?? false
    }

    /// Whether salt and body are those that the record commits to.
    private static func matches(_ plain: UnsafeRawBufferPointer, _ send: Send) -> Bool {
        send.commitment.bytes.withUnsafeBytes { SHA256.hash(bufferPointer: plain).elementsEqual($0) }
    }

    /// Whether a stored body is the same as another one. Of one that is destroyed nobody can tell any more; its length is all there is.
    static func isSame(
        _ stored: UnsafeRawBufferPointer, as body: UnsafeRawBufferPointer, bodyBytes: UInt32, at position: Position,
        record: UnsafeRawBufferPointer, with vault: Vault
    ) -> Bool {
        guard Int(bodyBytes) == body.count else { return false }
        if stored.isEmpty { return true }
        return withPlain(of: stored, at: position, record: record, with: vault) { plain in
            plain.map { $0[saltBytes...].elementsEqual(body) } ?? false
        } ?? true
    }

    /// Lends salt and body, or nil if they are damaged; answers nil itself when the key is gone. What was lent is wiped.
    static func withPlain<Result>(
        of stored: UnsafeRawBufferPointer, at position: Position, record: UnsafeRawBufferPointer, with vault: Vault,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result? {
        guard stored.count >= overheadBytes else { return body(nil) }
        return withUnsafeTemporaryAllocation(byteCount: stored.count - SealedBody.overheadBytes, alignment: 16) { plain in
            defer { plain.initializeMemory(as: UInt8.self, repeating: 0) }
            switch vault.open(stored, position: position, record: record, into: plain) {
            case .plain: return body(UnsafeRawBufferPointer(plain))
            case .damaged: return body(nil)
            case .noKey: return nil
            }
        }
    }
}

extension SHA256 {
    static func hash(bufferPointer: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bufferPointer: bufferPointer)
        return hash.finalize()
    }
}
