import Dispatch
import LMDB
import Ledger
import Projections

/// Keeps the process as small as it can be: looks four times a second, on a thread of its own, and gives back what is not needed.
///
/// Two things grow that nobody uses. The C library keeps what LMDB freed, page by page, with pages in use between them; and of mapped files
/// each page stays that was ever read, with its neighbours.
final class MemoryKeeper: Sendable {
    private let core: Core
    private let stopBell = DispatchSemaphore(value: 0)
    private let thread = WorkThread(named: "memory")

    private static let periodMilliseconds = 250
    /// The heap is trimmed when it has grown so much since it was last, or by less and so many periods have gone by.
    private static let heapGrowthMax = 64 << 20
    private static let periodsBetweenTrims = 40
    private static let heapGrowthMin = 8 << 20
    /// Pages of files are forgotten when there are so many.
    private static let fileBytesMax = 128 << 20

    init(_ core: Core) { self.core = core }

    func start() { thread.start { self.run() } }

    func stop() {
        stopBell.signal()
        thread.join()
    }

    private func run() {
        var (heapFloor, periods) = (Int.max, 0)
        while stopBell.wait(timeout: .now() + .milliseconds(Self.periodMilliseconds)) == .timedOut {
            guard let memory = ProcessMemory.now() else { continue }
            if memory.fileBytes > Self.fileBytesMax { forgetPages() }
            periods += 1
            let growth = periods < Self.periodsBetweenTrims ? Self.heapGrowthMax : Self.heapGrowthMin
            if memory.anonymousBytes > heapFloor, memory.anonymousBytes - heapFloor > growth {
                ProcessMemory.trimHeap()
                heapFloor = ProcessMemory.now()?.anonymousBytes ?? memory.anonymousBytes
                periods = 0
            }
            heapFloor = min(heapFloor, memory.anonymousBytes)
        }
    }

    private func forgetPages() {
        core.store.shelf.withAllOpen { partitions in ProcessMemory.forget(partitions.map(\.environment) + [core.store.state.environment]) }
    }
}
