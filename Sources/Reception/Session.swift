/// Decides what a connection's next command may do. A plain value: it touches neither bytes nor sockets.
///
/// Commands are executed and answered in the order in which they came. Appends gather, and are answered together by a commit;
/// every other command waits until none is unanswered, and nothing is begun while a question is under way.
///
/// Invariants: a question is under way only while no append is unanswered; what is closing begins nothing more.
struct Session: ~Copyable {
    /// What the session waits for.
    enum State: Hashable {
        case ready
        /// So many appends are unanswered; more may follow.
        case appending(Int)
        /// A question is under way.
        case asking
        /// The next command is an append that the archive has no room for; so many are unanswered before it.
        case stalled(Int)
    }

    /// What a command is to the order of things.
    enum Kind: Hashable { case append, other }

    private(set) var state = State.ready
    /// Nothing more is begun; what is under way is finished and answered.
    private(set) var isClosing = false
    /// The client has said all it will ever say, and still reads.
    private(set) var isInputEnded = false
    private let appendsMax: Int

    init(appendsMax: Int) {
        precondition(appendsMax > 0, "a session without room for an append could never answer one")
        self.appendsMax = appendsMax
    }

    /// Whether a command of this kind may begin now. If not, it stays where it is until something is answered.
    func mayBegin(_ kind: Kind) -> Bool {
        if isClosing { return false }
        switch state {
        case .ready: return true
        case .appending(let count): return kind == .append && count < appendsMax
        case .asking, .stalled: return false
        }
    }

    /// Whether it makes sense to look for another command.
    var mayParse: Bool { mayBegin(.append) }

    /// How many appends wait for their answers. Further answers must wait their turn behind them.
    var unanswered: Int {
        switch state {
        case .appending(let count), .stalled(let count): count
        case .ready, .asking: 0
        }
    }

    /// Whether nothing is owed any more, and the connection may be closed.
    /// - Parameter hasMore: whether input is left in which a command may still be found.
    func isOver(hasMore: Bool) -> Bool {
        state == .ready && (isClosing || isInputEnded && !hasMore)
    }
}

extension Session {
    /// An append was admitted.
    mutating func admit() {
        precondition(mayBegin(.append), "an append began although the session waits, because nobody asked it")
        state = .appending(unanswered + 1)
    }

    /// A commit answered everything that was unanswered.
    mutating func answerAll() {
        switch state {
        case .appending: state = .ready
        case .stalled: state = .stalled(0)
        case .ready, .asking: preconditionFailure("a commit answered a session that waits for none, because its batch was forgotten")
        }
    }

    /// The archive has no room for the next append.
    mutating func stall() {
        precondition(mayBegin(.append), "only a session that is about to append stalls, because others are not asked for room")
        state = .stalled(unanswered)
    }

    /// There is room again, or no hope of it: the append is to be tried again.
    mutating func unstall() {
        guard case .stalled(let count) = state else { return }
        state = count == 0 ? .ready : .appending(count)
    }

    /// A question was handed to another thread.
    mutating func ask() {
        precondition(mayBegin(.other), "a question began although the session waits, because nobody asked it")
        state = .asking
    }

    /// The question's answer is there.
    mutating func reply() {
        precondition(state == .asking, "an answer came without a question, because it was given twice")
        state = .ready
    }

    /// Begins nothing more.
    mutating func close() {
        isClosing = true
        unstall()
    }

    /// The client shut down its writing side.
    mutating func endInput() { isInputEnded = true }
}
