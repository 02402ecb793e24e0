import Crypto
import Events

/// A body as it is stored: 16 random bytes of salt, then the body. The commitment in the trail is the SHA-256 of just that.
enum StoredBody {
    static let saltBytes = 16

    static func commitment(salt: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) -> SHA256.Digest {
        var hash = SHA256()
        hash.update(bufferPointer: salt)
        hash.update(bufferPointer: body)
        return hash.finalize()
    }

    static func write(salt: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, into stored: UnsafeMutableRawBufferPointer) {
        precondition(stored.count == saltBytes + body.count, "salt and body fill their room because it was measured for them")
        stored.copyMemory(from: salt)
        UnsafeMutableRawBufferPointer(rebasing: stored[saltBytes...]).copyMemory(from: body)
    }

    /// The body, or nil if the stored bytes do not match the record's length and commitment: then they are damaged.
    static func open(_ stored: UnsafeRawBufferPointer, bodyBytes: UInt32, commitment: UnsafeRawBufferPointer) -> [UInt8]? {
        guard stored.count == saltBytes + Int(bodyBytes) else { return nil }
        guard SHA256.hash(bufferPointer: stored).elementsEqual(commitment) else { return nil }
        return [UInt8](stored[saltBytes...])
    }

    /// Whether a stored body is the same as another one.
    static func isSame(_ stored: UnsafeRawBufferPointer, as body: UnsafeRawBufferPointer) -> Bool {
        stored.count == saltBytes + body.count && stored[saltBytes...].elementsEqual(body)
    }
}

extension SHA256 {
    static func hash(bufferPointer: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update(bufferPointer: bufferPointer)
        return hash.finalize()
    }
}
