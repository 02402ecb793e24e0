/// Who asked for an event.
package enum Principal: Hashable, Sendable {
    /// Annals itself: what a schedule or a start-up did.
    case system
    /// A user of this machine, told by the kernel at the other end of the socket.
    case user(UInt32)
}

extension Principal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system: "system"
        case .user(let uid): "uid:\(uid)"
        }
    }
}
