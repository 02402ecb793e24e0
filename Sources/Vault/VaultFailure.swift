import Glibc

/// What can go wrong with the vault. Never says anything of a key.
package enum VaultFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The CPU has no instructions for AES, or libsodium does not work on it.
    case noAES
    /// The keyring or the root key is not there.
    case missing(what: String, path: String)
    /// The root key is not the one that the keyring was written under.
    case wrongRootKey(keyring: String, place: String)
    /// Bytes of the keyring are not what was written.
    case damaged(path: String, offset: Int, reason: String)
    /// A file is not as it must be. The reason says what to do.
    case refused(path: String, reason: String)
    /// The program that keeps the root key did not do as it was asked.
    case command(program: String, step: String, reason: String)
    /// A system call on the escrow, or on what is written beside it, failed.
    case escrow(path: String, call: String, of: String, code: CInt)
    /// The disk has no room for more keys; the keyring is what it was.
    case full(path: String)
    /// A system call failed.
    case system(call: String, path: String, code: CInt)

    /// What happened to which file, and what to do.
    package var description: String {
        switch self {
        case .full(let path): "The disk has no room for more keys in \(path). Make room; nothing was changed."
        case .noAES:
            "This machine cannot seal bodies: its CPU has no AES-NI and PCLMULQDQ instructions, or its libsodium does not use them. "
                + "Run Annals on one that has them."
        case .missing(let what, let path):
            "The \(what) \(path) is missing, and without it no message can be read. Restore it from the escrow; nothing was changed."
        case .wrongRootKey(let keyring, let place):
            "The root key in \(place) does not open the keyring \(keyring), which was written under another one. "
                + "Restore the two that belong together from the escrow; nothing was changed."
        case .damaged(let path, let offset, let reason):
            "The keyring \(path) is damaged at byte \(offset): \(reason). Restore it from the escrow; nothing was changed."
        case .refused(let path, let reason):
            "\(path) \(reason)."
        case .command(let program, let step, let reason):
            "The root key's program \(program), called with \"\(step)\", \(reason). Mend it, then try again."
        case .escrow(let path, let call, let file, let code):
            "The escrow \(path) cannot be kept: \(call) of \(file) failed: \(Self.text(code)). "
                + "Mount its device, make room there, or mend its folder, then try again."
        case .system(let call, let path, let code):
            "\(call) of \(path) failed: \(Self.text(code)). Check the disk and the file's owner, then restart."
        }
    }

    /// The failure of the call that has just set `errno`.
    static func last(_ call: String, _ path: String) -> VaultFailure { .system(call: call, path: path, code: errno) }

    static func text(_ code: CInt) -> String {
        // strerror_r rather than strerror: other threads may be reporting their own failures.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = buffer.baseAddress, unsafe strerror_r(code, text, buffer.count) == 0 else { return "error \(code)" }
            return unsafe String(cString: text)
        }
    }
}

extension VaultFailure {
    /// Whether a write found no block left.
    var isWantOfRoom: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return code == ENOSPC || code == EDQUOT
    }
}
