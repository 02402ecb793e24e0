import Events

/// The stored form of what is sealed under a body key:
/// key id u64 BE | nonce prefix u32 BE | AES-256-GCM ciphertext | tag 16.
///
/// The nonce is the prefix and the position (NIST SP 800-38D, 8.2.1: a fixed and an invocation field). The position alone would not do:
/// a torn batch's positions are given out again after a crash, and one nonce would have sealed two plaintexts.
/// The associated data is the trail record, so that a body cannot be moved to another one.
package enum SealedBody {
    package static let prefixBytes = 12
    package static let tagBytes = 16
    package static let overheadBytes = prefixBytes + tagBytes

    static let keyIDBytes = 8
    static let nonceBytes = 12

    /// The key that opens a stored body; nil if the bytes are too few to be one, or name no key.
    package static func keyID(of stored: UnsafeRawBufferPointer) -> KeyID? {
        guard stored.count >= overheadBytes else { return nil }
        let number = unsafe UInt64(bigEndian: stored.loadUnaligned(as: UInt64.self))
        return number == 0 ? nil : KeyID(number)
    }

    /// Lends the nonce of a stored body that has its prefix.
    static func withNonce<Result>(
        of stored: UnsafeRawBufferPointer, at position: Position, _ body: (UnsafePointer<UInt8>) -> Result
    ) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: nonceBytes) { nonce in
            let bytes = UnsafeMutableRawBufferPointer(nonce)
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[keyIDBytes..<prefixBytes]))
            unsafe bytes.storeBytes(of: position.rawValue.bigEndian, toByteOffset: prefixBytes - keyIDBytes, as: UInt64.self)
            return unsafe body(UnsafePointer(nonce.baseAddress!))
        }
    }
}

/// What came of opening a stored body.
package enum Opened: Sendable {
    /// The plain bytes are where they were asked for.
    case plain
    /// The vault has no such key (any more).
    case noKey
    /// The bytes are none that were sealed for this place.
    case damaged
}
