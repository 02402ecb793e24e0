import Dispatch
import Journal
import Synchronization

/// A thread that does what it is given, and can be held up.
final class Background: Sendable {
    private let queue = DispatchQueue(label: "journal")
    private let isHeld = Mutex(false)

    var forJournal: JournalOptions.Background { .init(add: { self.queue.async(execute: $0) }, settle: { self.settle() }) }

    func hold() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = true }
            return isHeld
        }
        if !wasHeld { queue.suspend() }
    }

    var isHolding: Bool { isHeld.withLock { $0 } }

    func letGo() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        if wasHeld { queue.resume() }
    }

    /// Returns when everything is done.
    func settle() {
        letGo()
        queue.sync {}
    }

    deinit { letGo() }
}
