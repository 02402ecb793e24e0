import CLMDB

/// How the C library gives out blocks of memory of a megabyte and more.
enum LargeBlocks {
    /// Sees to it that blocks that were never touched take no memory. Once for the process, by being looked at.
    ///
    /// LMDB asks for three megabytes of lists with each file that may be written, and hardly ever uses them. Fresh from the system they
    /// take no memory until they are touched. But the C library learns from what is freed to reuse such blocks, and then it clears them,
    /// which touches them all: with 512 files open, gigabytes (`mallopt(3)`, `M_MMAP_THRESHOLD`). A fixed threshold ends that.
    static let areUntouched: Bool = mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1
}
