import Testing

@testable import Projections

@Suite("Varint: whole numbers in as few bytes as they need")
struct VarintTests {
    @Test(
        "a number comes back, and takes the bytes it needs",
        arguments: [
            (0, 1), (1, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (1 << 32, 5), ((1 << 63) - 1, 9), (1 << 63, 10), (.max, 10),
        ] as [(UInt64, Int)])
    func numbers(value: UInt64, length: Int) {
        var bytes: [UInt8] = [9]
        Varint.append(value, to: &bytes)
        #expect(bytes.count == 1 + length)
        var offset = 1
        #expect(Varint.take(from: bytes, &offset) == value)
        #expect(offset == bytes.count)
    }

    @Test("a number with a sign comes back", arguments: [0, -1, 1, 63, -64, 64, .max, .min, .min + 1] as [Int64])
    func signed(value: Int64) {
        var bytes: [UInt8] = []
        Varint.append(zigzag: value, to: &bytes)
        var offset = 0
        #expect(Varint.takeZigzag(from: bytes, &offset) == value)
        #expect(value < -64 || value > 63 || bytes.count == 1)
    }

    @Test(
        "bytes that are no number are none",
        arguments: [
            [], [0x80], [0xFF, 0xFF], Array(repeating: 0xFF, count: 10), Array(repeating: 0xFF, count: 9) + [2],
            Array(repeating: 0x80, count: 11),
        ] as [[UInt8]])
    func broken(bytes: [UInt8]) {
        var offset = 0
        #expect(Varint.take(from: bytes, &offset) == nil)
    }
}
