/// Bytes as small hexadecimal digits, two to a byte.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(of bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Nil for anything but pairs of digits. Capitals are none: one number, one spelling.
    static func bytes(of text: some StringProtocol) -> [UInt8]? {
        let values = text.utf8.compactMap(digits.firstIndex)
        guard values.count == text.utf8.count, values.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
