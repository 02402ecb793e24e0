/// Whole numbers in as few bytes as they need (LEB128): seven bits a byte, the low ones first, the top bit set in all but the last.
/// With a sign as zigzag: 0, -1, 1, -2, … are 0, 1, 2, 3, …
enum Varint {
    static let bytesMax = 10

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    static func append(zigzag value: Int64, to bytes: inout [UInt8]) {
        append(UInt64(bitPattern: (value << 1) ^ (value >> 63)), to: &bytes)
    }

    /// Nil, with `offset` anywhere, if there is none.
    static func take(from bytes: [UInt8], _ offset: inout Int) -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return shift == 63 && byte > 1 ? nil : value }
            shift += 7
        }
        return nil
    }

    static func takeZigzag(from bytes: [UInt8], _ offset: inout Int) -> Int64? {
        take(from: bytes, &offset).map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }
}
