/// Decides what becomes of appends while the fold is behind. A plain value; it holds no timer, it says when one is due.
///
/// A short delay is better answered late than never, a long one must not let everybody wait: for a while appends
/// stall, then they are answered `BUSY` until the fold has caught up.
struct IntakeGate: ~Copyable {
    private enum State { case open, waiting, refusing }
    private var state = State.open
    /// Tells one wait from the next: fast ones follow each other while the timer of the first still runs.
    private var waits = 0

    enum Passage: Hashable {
        /// Wait; the first to do so starts the timer of that number.
        case stall(startTimer: Int?)
        case busy
    }

    /// An append found no room.
    mutating func turnBack() -> Passage {
        switch state {
        case .open:
            state = .waiting
            waits += 1
            return .stall(startTimer: waits)
        case .waiting: return .stall(startTimer: nil)
        case .refusing: return .busy
        }
    }

    /// A timer has run out. Returns whether that changed anything: then those who wait try again, and are refused.
    mutating func expire(_ wait: Int) -> Bool {
        guard state == .waiting, wait == waits else { return false }
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
