import LMDB
import Ledger
import Projections

/// Keeps the process as small as it can be: looks four times a second, on a thread of its own, and gives back what is not needed.
///
/// Two things grow that nobody uses. The C library keeps what LMDB freed, page by page, with pages in use between them; and of mapped files
/// each page stays that was ever read, with its neighbours.
final class MemoryKeeper: Sendable {
    private let core: Core
    private let stopBell = Bell()
    private let thread = WorkThread(named: "memory")

    private static let periodMilliseconds = 250

    init(_ core: Core) { self.core = core }

    func start() throws(ArchiveFailure) { try thread.start { self.run() } }

    func stop() {
        stopBell.signal()
        thread.join()
    }

    private func run() {
        var measure = MemoryMeasure()
        while !stopBell.wait(milliseconds: Self.periodMilliseconds) {
            guard let memory = ProcessMemory.now() else { continue }
            if MemoryMeasure.hasTooManyPages(memory) { forgetPages() }
            guard measure.isDue(memory) else { continue }
            ProcessMemory.trimHeap()
            measure.trimmed(to: ProcessMemory.now() ?? memory)
        }
    }

    private func forgetPages() {
        core.store.shelf.withAllOpen { partitions in ProcessMemory.forget(partitions.map(\.environment) + [core.store.state.environment]) }
    }
}

/// When memory is to be given back. Looks come at even distances.
struct MemoryMeasure {
    private var floor = Int.max
    private var looks = 0

    /// Pages of files are forgotten when there are more of them.
    static let fileBytesMax = 128 << 20
    /// The heap is trimmed when it has grown by more since it was smallest, or by less and so many looks have gone by since the last time.
    static let growthMax = 64 << 20
    static let growthMin = 8 << 20
    static let looksBetween = 40

    static func hasTooManyPages(_ memory: ProcessMemory) -> Bool { memory.fileBytes > fileBytesMax }

    /// To be asked at each look.
    mutating func isDue(_ memory: ProcessMemory) -> Bool {
        looks += 1
        floor = min(floor, memory.anonymousBytes)
        return memory.anonymousBytes - floor > (looks < Self.looksBetween ? Self.growthMax : Self.growthMin)
    }

    mutating func trimmed(to memory: ProcessMemory) {
        floor = memory.anonymousBytes
        looks = 0
    }
}
