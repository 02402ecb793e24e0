extension UInt64 {
    /// A number as the formats of C2SP write it: decimal digits, and no 0 before others. Nil for any other spelling.
    init?(decimal text: some Collection<UInt8>) {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard text.first != UInt8(ascii: "0") || text.count == 1 else { return nil }
        self.init(String(decoding: text, as: UTF8.self))
    }
}
