import CXXHash
package import Events

/// Keys and values made of whole numbers: 64 bits each, big-endian, so that their bytes sort as the numbers do.
typealias Words<let count: Int> = InlineArray<count, UInt64>

extension RawSpan {
    /// The word at a byte offset, or nil beyond the end.
    func word(atByte offset: Int) -> UInt64? {
        guard offset >= 0, offset + 8 <= byteCount else { return nil }
        return UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    func word(_ index: Int) -> UInt64? { word(atByte: index * 8) }

    /// The two numbers of a row that counts, each of which can be counted on from; nil if there are none.
    var twoCounts: (UInt64, UInt64)? {
        guard let first = word(0), let second = word(1), max(first, second) <= Int64.max else { return nil }
        return (first, second)
    }

    /// The moment at an index, or nil beyond the end and for what no event can have as its time.
    func instant(_ index: Int) -> Instant? {
        guard let word = word(index) else { return nil }
        let instant = Instant(milliseconds: Int64(bitPattern: word))
        return instant.isWritable ? instant : nil
    }

    func starts(with prefix: [UInt8]) -> Bool {
        withUnsafeBytes { $0.starts(with: prefix) }
    }

    /// Of a chunk's key and its rows.
    func sum(under key: RawSpan) -> UInt64 {
        let seed = key.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
        return withUnsafeBytes { unsafe XXH3_64bits_withSeed($0.baseAddress, $0.count, seed) }
    }
}

/// A conversation's names as rows have them: checked, and in one piece of memory.
package struct ConversationKey: Hashable, Sendable {
    /// Tenant, 0, conversation, 0.
    let bytes: [UInt8]

    /// Of names that may be anything.
    package init(checking tenant: UnsafeRawBufferPointer, _ conversation: UnsafeRawBufferPointer) throws(NameFault) {
        if let fault = NameFault.find(in: tenant) ?? NameFault.find(in: conversation) { throw fault }
        bytes = [UInt8](unsafeUninitializedCapacity: tenant.count + conversation.count + 2) { room, count in
            var rest = UnsafeMutableRawBufferPointer(room)
            rest.append(tenant)
            rest.append(conversation)
            count = tenant.count + conversation.count + 2
        }
    }

    package init(_ tenant: TenantID, _ conversation: ConversationID) { bytes = NamedKey(tenant, conversation).bytes }

    package func isOf(_ tenant: UnsafeRawBufferPointer, _ conversation: UnsafeRawBufferPointer) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes
            return rest.take(tenant) && rest.take(conversation) && rest.isEmpty
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Fills the beginning with a name and its end, and is what is left.
    mutating func append(_ name: UnsafeRawBufferPointer) {
        copyMemory(from: name)
        self[name.count] = 0
        self = UnsafeMutableRawBufferPointer(rebasing: self[(name.count + 1)...])
    }
}

extension UnsafeRawBufferPointer {
    /// Leaves a name and its end behind, if it begins with them.
    mutating func take(_ name: UnsafeRawBufferPointer) -> Bool {
        guard count > name.count, self[name.count] == 0, begins(with: name) else { return false }
        self = UnsafeRawBufferPointer(rebasing: self[(name.count + 1)...])
        return true
    }

    /// Whether it begins with bytes of which there are no more than here: word by word, since names are compared for every event.
    private func begins(with bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 8 <= bytes.count {
            let own = loadUnaligned(fromByteOffset: place, as: UInt64.self)
            if own != bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) { return false }
            place += 8
        }
        while place < bytes.count {
            if self[place] != bytes[place] { return false }
            place += 1
        }
        return true
    }
}

extension [UInt8] {
    /// Whether the bytes come before others, shorter before longer: the order of LMDB's keys.
    func precedes(_ other: [UInt8]) -> Bool {
        withUnsafeBytes { mine in
            other.withUnsafeBytes { its in
                let both = Swift.min(mine.count, its.count)
                var place = 0
                // Word by word: a fold sorts tens of thousands of names that begin alike.
                while place + 8 <= both {
                    let left = mine.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    let right = its.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                    if left != right { return left.bigEndian < right.bigEndian }
                    place += 8
                }
                while place < both {
                    if mine[place] != its[place] { return mine[place] < its[place] }
                    place += 1
                }
                return mine.count < its.count
            }
        }
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

    init(_ conversation: ConversationKey) {
        bytes.reserveCapacity(conversation.bytes.count + 8)
        bytes += conversation.bytes
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
