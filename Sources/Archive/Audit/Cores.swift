import Dispatch
import Synchronization

/// All cores of the machine at once.
enum Cores {
    /// What is worked on at once, before it is put together: enough for all cores to be busy, and little memory.
    static let wave = 16

    /// Results in order.
    static func map<Value: Sendable>(_ count: Int, _ work: @Sendable (Int) -> Value) -> [Value] {
        let results = Mutex<[Int: Value]>([:])
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let value = work(index)
            results.withLock { $0[index] = value }
        }
        return results.withLock { found in (0..<count).compactMap { found[$0] } }
    }
}
