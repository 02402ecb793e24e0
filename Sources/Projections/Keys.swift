import Events

/// Keys and values made of whole numbers: 64 bits each, big-endian, so that their bytes sort as the numbers do.
typealias Words<let count: Int> = InlineArray<count, UInt64>

extension RawSpan {
    /// The word at a byte offset, or nil beyond the end.
    func word(atByte offset: Int) -> UInt64? {
        guard offset >= 0, offset + 8 <= byteCount else { return nil }
        return UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    func word(_ index: Int) -> UInt64? { word(atByte: index * 8) }

    /// The moment at an index, or nil beyond the end and for what no event can have as its time.
    func instant(_ index: Int) -> Instant? {
        guard let word = word(index) else { return nil }
        let instant = Instant(milliseconds: Int64(bitPattern: word))
        return instant.isWritable ? instant : nil
    }

    func starts(with prefix: [UInt8]) -> Bool {
        withUnsafeBytes { $0.starts(with: prefix) }
    }
}

/// Builds keys of names and numbers. Names hold no control characters, so a zero byte ends each of them, and a key
/// of fewer names is a prefix of just those that go on with the same ones.
struct NamedKey {
    private(set) var bytes: [UInt8] = []

    init(_ tenant: TenantID, _ conversation: ConversationID) {
        bytes.reserveCapacity(tenant.utf8.count + conversation.utf8.count + 16)
        append(tenant.utf8)
        append(conversation.utf8)
    }

    init(_ position: Position) { append(position.rawValue) }

    init(_ number: UInt64) { append(number) }

    mutating func append(_ name: [UInt8]) {
        bytes += name
        bytes.append(0)
    }

    mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}
