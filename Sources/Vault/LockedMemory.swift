import CSodium
import Glibc

/// Pages for secrets: never in swap, in a core dump or in a child process, and wiped before they are given back.
///
/// The operator may allow too little locked memory (`RLIMIT_MEMLOCK`); the pages are then as good as they can be, and say so.
@safe struct LockedMemory: ~Copyable, Sendable {
    // Who has the value has the pages; whoever shares them guards them (`RootKey` never changes them, `KeyShelf` is in a mutex).
    nonisolated(unsafe) private let start: UnsafeMutableRawPointer
    let byteCount: Int
    /// Whether the system keeps the pages out of swap.
    let isLocked: Bool

    /// All zeros.
    init(byteCount: Int) throws(VaultFailure) {
        let start = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else { throw .last("mmap", "memory for keys") }
        unsafe self.start = start
        self.byteCount = byteCount
        // Both by themselves too: sodium_mlock gives up before the second where it has no word for the first.
        _ = unsafe madvise(start, byteCount, MADV_DONTDUMP)
        _ = unsafe madvise(start, byteCount, MADV_WIPEONFORK)
        isLocked = unsafe sodium_mlock(start, byteCount) == 0
    }

    deinit {
        unsafe sodium_memzero(start, byteCount)
        _ = unsafe munmap(start, byteCount)  // Unlocks too. It fails for addresses that are none of mmap's alone.
    }

    /// The pages. Whoever asks keeps the memory longer than what is answered.
    var bytes: UnsafeMutableRawBufferPointer { unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount) }
}
