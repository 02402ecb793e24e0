import Glibc

/// What can go wrong between the journal and its disk.
package enum JournalFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(call: String, path: String, code: CInt)
    /// No room for one more segment. Nothing was written, and the journal stays open.
    case full(path: String, code: CInt)
    /// The record is longer than a segment. Nothing was written, and the journal stays open.
    case tooLong(payloadBytes: Int, payloadBytesMax: Int)
    /// A file that is no segment, or one of a version that this program does not know.
    case foreign(path: String, reason: String)
    /// Bytes that were once safely written are not there any more. `sequence`
    /// is the record that was expected at `offset`, if that is known.
    case damaged(path: String, offset: Int, sequence: SequenceNumber?, reason: String)

    /// What happened to which file, and what to do.
    package var description: String {
        switch self {
        case .system(let call, let path, let code):
            "\(call) of \(path) failed: \(Self.text(code)). Check the disk and the file's owner, then restart."
        case .full(let path, let code):
            "No room for the new journal segment \(path): \(Self.text(code)). Free disk space; nothing was written."
        case .tooLong(let payloadBytes, let payloadBytesMax):
            "A journal record of \(payloadBytes) bytes is over the limit of \(payloadBytesMax). "
                + "Append less at a time, or make the segments larger."
        case .foreign(let path, let reason):
            "\(path) is not a journal segment that this program can read: \(reason). "
                + "Use the program that wrote it, or move the file away if it does not belong there."
        case .damaged(let path, let offset, let sequence, let reason):
            "\(path) is damaged at byte \(offset)\(sequence.map { ", where record \($0) should be" } ?? ""): \(reason). "
                + "Restore the journal folder from a copy; nothing was changed."
        }
    }

    /// The failure of the call that has just set `errno`.
    static func last(_ call: String, _ path: String) -> JournalFailure {
        .system(call: call, path: path, code: errno)
    }

    /// The same, told as `full` where a new segment found no room.
    func asFull(_ path: String) -> JournalFailure {
        guard case .system(_, _, let code) = self, [ENOSPC, EDQUOT, EFBIG].contains(code) else { return self }
        return .full(path: path, code: code)
    }

    private static func text(_ code: CInt) -> String {
        // strerror_r rather than strerror: other threads may be reporting their own failures.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let text = buffer.baseAddress, strerror_r(code, text, buffer.count) == 0 else { return "error \(code)" }
            return String(cString: text)
        }
    }
}
