import Events
import Testing

@Suite("Partitioning index")
struct PartitioningIndexTests {
    @Test("it is where the elements begin that belong behind, in lists of every length, and in slices")
    func everyLength() {
        for count in 0...33 {
            for cut in 0...count {
                #expect(Array(0..<count).partitioningIndex { $0 >= cut } == cut)
                #expect(Array(-7..<count).dropFirst(7).partitioningIndex { $0 >= cut } == 7 + cut)
            }
        }
    }
}
