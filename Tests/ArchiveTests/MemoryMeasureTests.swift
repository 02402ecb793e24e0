import LMDB
import Testing

@testable import Archive

@Suite("When memory is given back")
struct MemoryMeasureTests {
    private func memory(_ megabytes: Int, files: Int = 0) -> ProcessMemory {
        ProcessMemory(anonymousBytes: megabytes << 20, fileBytes: files << 20)
    }

    /// At which looks, from 0 on, it is due; then what is left is `left`.
    private func dues(_ megabytes: [Int], left: Int) -> [Int] {
        var measure = MemoryMeasure()
        var dues: [Int] = []
        for (look, size) in megabytes.enumerated() where measure.isDue(memory(size)) {
            dues.append(look)
            measure.trimmed(to: memory(left))
        }
        return dues
    }

    @Test("a heap that grew by more than 64 MiB is trimmed at once, and then counts from what is left")
    func grown() {
        #expect(dues([100, 164, 165, 214, 215, 150], left: 150) == [2, 4])
    }

    @Test("one that shrank by itself counts from there")
    func shrunk() {
        #expect(dues([300, 100, 160, 164, 165], left: 100) == [4])
    }

    @Test("one that grew by more than 8 MiB is trimmed when nothing was for long, and one that did not grow is left alone")
    func slowly() {
        let before = MemoryMeasure.looksBetween - 1
        #expect(
            dues([100] + Array(repeating: 109, count: before - 1) + [108, 109] + Array(repeating: 113, count: 100), left: 105) == [
                before + 1
            ])
    }

    @Test("pages of files are forgotten when there are more than 128 MiB of them")
    func pages() {
        #expect(!MemoryMeasure.hasTooManyPages(memory(900, files: 128)))
        #expect(MemoryMeasure.hasTooManyPages(memory(1, files: 129)))
    }
}
