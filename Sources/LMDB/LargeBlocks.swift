import CLMDB

/// How the C library gives out blocks of memory of a megabyte and more.
enum LargeBlocks {
    /// Sees to it that large blocks that `body` asks for come fresh from the system, and take no memory until they are touched.
    ///
    /// LMDB asks for three megabytes of lists with each file that may be written, and hardly ever uses them. But the C library learns from what
    /// is freed to reuse such blocks, and then it clears them, which touches them all: with 512 files open, gigabytes. A fixed threshold
    /// (`mallopt(3)`, `M_MMAP_THRESHOLD`) ends that. Elsewhere large blocks are better used again, so the threshold is high there, and
    /// the heap's end is not given back each time.
    static func areFresh<Result>(_ body: () -> Result) -> Result {
        _ = mallopt(M_MMAP_THRESHOLD, 1 << 20)
        defer {
            _ = mallopt(M_MMAP_THRESHOLD, 32 << 20)
            _ = mallopt(M_TRIM_THRESHOLD, 64 << 20)
        }
        return body()
    }
}
