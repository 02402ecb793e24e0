import CSodium

/// libsodium, made ready, and what is true of every call of it.
enum Sodium {
    /// Whether the library works on this machine. `sodium_init` may be called by any thread, and once is enough.
    static let isReady = sodium_init() >= 0

    /// libsodium has AES-256-GCM for CPUs with AES and carry-less multiplication instructions only.
    static var hasAES: Bool { isReady && crypto_aead_aes256gcm_is_available() == 1 }

    /// How deep below its caller a call of libsodium is taken to leave something of a key on the stack.
    private static let stackBytes = 8192
    /// Where round keys are only read, they are read into registers, which a compiler may spill.
    private static let spillBytes = 1024

    /// Wipes what the calls before it may have left of a key on the stack. Locked memory is not in a core dump, but the stack is.
    @inline(never) static func wipeStack() { sodium_stackzero(stackBytes) }

    /// The same, after calls that were given a prepared state.
    @inline(never) static func wipeSpills() { sodium_stackzero(spillBytes) }

    /// Fills `bytes` from the kernel's generator (getrandom(2), straight into them).
    static func fillRandomly(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        unsafe randombytes_buf(start, bytes.count)
    }

    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        unsafe sodium_memzero(start, bytes.count)
    }
}

extension UnsafeRawBufferPointer {
    /// As C wants it.
    var start: UnsafePointer<UInt8>? { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    /// As C wants it.
    var start: UnsafeMutablePointer<UInt8>? { unsafe baseAddress?.assumingMemoryBound(to: UInt8.self) }

    /// A part of it that is a buffer of its own.
    func part(_ range: some RangeExpression<Int>) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: self[range])
    }
}
