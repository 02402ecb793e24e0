import Synchronization

/// What waits for upkeep's thread. Bounded: who finds it full is told so.
final class UpkeepQueue: Sendable {
    private let state = Mutex(State())
    private let bell = Bell()
    /// Rung once, by the stop, and by whoever heard it for the next one.
    private let stopBell = Bell()

    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var isStopping = false
        /// A tick is wanted at once.
        var isRung = false
    }

    enum Job {
        case tick
        case work(@Sendable () -> Void)
    }

    private static let waitingMax = 64

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// False when it is full, or stopping.
    func add(_ work: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard state.waiting.count < Self.waitingMax, !state.isStopping else { return false }
            state.waiting.append(work)
            return true
        }
        if isTaken { bell.signal() }
        return isTaken
    }

    func ring() {
        state.withLock { $0.isRung = true }
        bell.signal()
    }

    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            return !state.isStopping
        }
        if isFirst { stopBell.signal() }
        bell.signal()
    }

    /// Waits, but not beyond the stop.
    func pause(milliseconds: Int) {
        if stopBell.wait(milliseconds: milliseconds) { stopBell.signal() }
    }

    /// The next job; a tick when nobody wanted anything for so long; nil at the end.
    func next(waitingMilliseconds: Int) -> Job? {
        let isRung = bell.wait(milliseconds: waitingMilliseconds)
        return state.withLock { state in
            if !state.waiting.isEmpty { return .work(state.waiting.removeFirst()) }
            if state.isStopping { return nil }
            let isTick = state.isRung || !isRung
            state.isRung = false
            return isTick ? .tick : .work({})
        }
    }
}

/// Something that one thread gives and another waits for.
final class Answer<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let bell = Bell()

    func give(_ value: Value) {
        self.value.withLock { $0 = value }
        bell.signal()
    }

    func wait() -> Value {
        bell.wait()
        guard let value = value.withLock({ $0 }) else { preconditionFailure("the bell rang because a value was given") }
        return value
    }
}
