/// Decides what becomes of appends while the fold is behind. A plain value; it holds no timer, it says when one is due.
///
/// A short delay is better answered late than never, a long one must not let everybody wait: for a while appends
/// stall, then they are answered `BUSY` until the fold has caught up.
struct IntakeGate: ~Copyable {
    private enum State { case open, waiting, refusing }
    private var state = State.open

    enum Passage: Hashable {
        /// Wait; `startTimer` tells that it is the first one to do so.
        case stall(startTimer: Bool)
        case busy
    }

    /// An append found no room.
    mutating func turnBack() -> Passage {
        switch state {
        case .open:
            state = .waiting
            return .stall(startTimer: true)
        case .waiting: return .stall(startTimer: false)
        case .refusing: return .busy
        }
    }

    /// The time for waiting is over. Returns whether that changed anything: then those who wait try again, and are refused.
    mutating func expire() -> Bool {
        guard state == .waiting else { return false }
        state = .refusing
        return true
    }

    /// What room means to those before the gate.
    enum Opening: Hashable { case wasOpen, endsWaiting, endsRefusing }

    /// There is room.
    mutating func open() -> Opening {
        defer { state = .open }
        switch state {
        case .open: return .wasOpen
        case .waiting: return .endsWaiting
        case .refusing: return .endsRefusing
        }
    }
}
