/// What libFuzzer made, taken from the front. Behind its end there are zeros.
struct Input {
    private(set) var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 {
        guard let first = rest.first else { return 0 }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        return first
    }

    mutating func word16() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }

    mutating func word64() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) } }

    mutating func number(_ limits: ClosedRange<Int>) -> Int { limits.lowerBound + Int(byte()) % limits.count }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return [UInt8](rest.prefix(count))
    }

    /// A length, and so many bytes, or those that are left.
    mutating func piece() -> [UInt8] {
        let count = byte()
        return bytes(count < 0xFF ? Int(count) : Int(word16()))
    }

    /// All that is left.
    mutating func remainder() -> [UInt8] { bytes(rest.count) }
}

/// Lends a copy of bytes in memory that has their length and not a byte more: whoever reads beyond them is seen by the address sanitizer.
func withExactly<Result>(_ bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { room.deallocate() }
    room.copyBytes(from: bytes)
    return try body(UnsafeRawBufferPointer(room))
}
