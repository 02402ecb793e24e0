import CSodium

/// A root key as people carry it: 64 hexadecimal digits and a newline. Decoded and written in constant time, in locked memory.
enum HexKey {
    static let digits = 2 * RootKey.byteCount
    static let byteCount = digits + 1

    /// Nil if the text is none, or one that is all zeros.
    static func decode(_ text: UnsafeRawBufferPointer) throws(VaultFailure) -> RootKey? {
        let hasLineEnd = unsafe text.count == byteCount && text[digits] == UInt8(ascii: "\n")
        guard text.count == digits || hasLineEnd else { return nil }
        var isKey = false
        let key = try unsafe RootKey { (bytes) throws(VaultFailure) in
            var count = 0
            let code = unsafe text.withMemoryRebound(to: CChar.self) { text in
                unsafe sodium_hex2bin(bytes.start!, bytes.count, text.baseAddress!, digits, nil, &count, nil)
            }
            isKey = unsafe code == 0 && count == bytes.count && sodium_is_zero(bytes.start!, bytes.count) == 0
        }
        Sodium.wipeStack()
        return isKey ? key : nil
    }

    /// Lends the text of a key.
    static func withText<Result>(
        of key: RootKey, _ body: (UnsafeRawBufferPointer) throws(VaultFailure) -> Result
    ) throws(VaultFailure) -> Result {
        let memory = try LockedMemory(byteCount: byteCount)
        unsafe key.withBytes { bytes in
            unsafe memory.bytes.withMemoryRebound(to: CChar.self) { text in
                _ = unsafe sodium_bin2hex(text.baseAddress!, text.count, bytes.start!, bytes.count)
            }
        }
        unsafe memory.bytes[digits] = UInt8(ascii: "\n")  // Where C ends its text.
        Sodium.wipeStack()
        return try unsafe body(UnsafeRawBufferPointer(memory.bytes))
    }
}
