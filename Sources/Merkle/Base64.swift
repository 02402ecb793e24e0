/// The standard Base 64 encoding, with padding: RFC 4648, section 4.
///
/// Read strictly, one spelling for one value, so that a note that was taken apart and put together again is the same, byte for byte.
enum Base64 {
    private static let signs = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The six bits of a sign, by its byte; 255 for what is no sign.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: .max, count: 256)
        for (value, sign) in signs.enumerated() { values[Int(sign)] = UInt8(value) }
        return values
    }()

    static func text(of bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            append(group, to: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(_ group: [UInt8], to text: inout [UInt8]) {
        var bits: UInt32 = 0
        for index in 0..<3 { bits = bits << 8 | (index < group.count ? UInt32(group[index]) : 0) }
        for index in 0..<4 {
            text.append(index <= group.count ? signs[Int(bits >> (18 - 6 * UInt32(index)) & 63)] : padding)
        }
    }

    /// Nil for what `text(of:)` does not make: signs of other alphabets, missing padding, spaces, bits that say nothing and are not 0.
    static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let padded = text.reversed().prefix { $0 == padding }.count
        guard padded <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        for (index, sign) in text.dropLast(padded).enumerated() {
            let value = values[Int(sign)]
            guard value != .max else { return nil }
            bits = bits << 6 | UInt32(value)
            // From its second sign on, each sign of a group of four completes a byte.
            if index % 4 > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> (6 - 2 * UInt32(index % 4)))) }
        }
        let unused: UInt32 = [0, 3, 15][padded]
        return bits & unused == 0 ? bytes : nil
    }
}
