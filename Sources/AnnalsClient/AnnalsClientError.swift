/// Why a call has no answer. `refused` comes from the server; everything else from the way there.
public enum AnnalsClientError: Error, Sendable, Hashable {
    /// Nobody answers at the socket.
    case cannotConnect(path: String, reason: String)
    /// The server refused the command: nothing was appended. `code` is one of the wire's codes, `message` says what to do.
    case refused(code: String, message: String)
    /// The connection ended while the answer was awaited. The command may have taken effect or not: ask, or send it again
    /// with the same message id, which appends nothing the second time.
    case connectionLost(reason: String)
    /// The connection had ended before the command was sent: nothing happened.
    case closed(reason: String)
    /// The calling task was cancelled. A command that was not `sent` had no effect; of one that was, the outcome is not known.
    case cancelled(sent: Bool)
    /// The server answered something other than what the command is answered with: it is another server, or another version.
    case answerUnexpected(String)
    /// A command without a single word.
    case commandEmpty
}

extension AnnalsClientError: CustomStringConvertible {
    /// One sentence that says what to do.
    public var description: String {
        switch self {
        case .cannotConnect(let path, let reason): "cannot connect to \(path): \(reason)"
        case .refused(let code, let message): message.isEmpty ? code : "\(code) \(message)"
        case .connectionLost(let reason): "the connection was lost before the answer came, so the outcome is not known: \(reason)"
        case .closed(let reason): "the connection is closed and the command was not sent: \(reason)"
        case .cancelled(sent: true): "the call was cancelled after the command was sent, so the outcome is not known"
        case .cancelled(sent: false): "the call was cancelled before the command was sent"
        case .answerUnexpected(let what): "the server's answer is not what this client expects: \(what)"
        case .commandEmpty: "a command has at least one word"
        }
    }
}
