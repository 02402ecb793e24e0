/// Writes a trail record into memory that the caller lent, without allocating.
///
/// Format version 1; integers are big-endian, `text` is one byte of length and UTF-8, `varint` is LEB128:
/// ```
/// version u8 = 1 | kind u8 | flags u8 | principal's tag u8 | position u64 | at u64
/// [server's time u64, if imported] | [uid varint, if the principal is a user] | tenant text ("" for the system)
/// send:             conversation text | sender text | message id text | content type text ("" for plain text)
///                   | body bytes varint | commitment 32 bytes | [client's time u64]
/// local-delete:     conversation text | viewer text | 1 | count varint | count × (position varint | message id text)
///                                                   | 2 | up to: position varint
/// retention-change: scope | rule u8 | [count varint] | effective at u64 | reason prose
/// retention-cancel: scope | the change's position varint | reason prose
/// hold-place:       hold text | coverage | matter prose | reason prose
/// hold-release:     hold text | coverage | reason prose
/// purge-intent:     coverage | 1 | horizon's position varint | horizon's time u64 | position of the last rule varint
///                            | 2 | before: u64 | as above
///                   | held varint | floored varint | locked varint | count varint
///                   | count × (partition varint | tenant text | messages varint | conversations varint | body bytes varint
///                              | count varint | count × how much greater the key is than the one before, or than 0: varint)
///                   | digest 32 bytes
/// purge:            intent's position varint | outcome u8 | messages varint | body bytes varint | keys varint | digest 32 bytes
/// clock-confirm:    wall clock's time u64 | reason prose
/// partition-remove: partition varint | rule u8 | [count varint] | first position varint | last position varint | events varint
///                   | messages varint | digest 32 bytes
/// access:           question u8 | parts u8 | [conversation text] | [message id text] | [first position varint | last position varint]
///                   | bodies varint | reason prose
/// ```
/// - flags: 1 imported; 2 client's time (send); 4 floor, 8 locked (retention-change)
/// - prose: length varint | UTF-8
/// - scope: u8 (0 system, 1 tenant, 2 conversation) | [conversation text]; the tenant is the header's
/// - coverage: u8 (1 conversation, 2 sender, 4 from, 8 until) | [conversation text] | [sender text] | [from u64] | [until u64];
///   the tenant is the header's
/// - partition: its 32 bits as an unsigned number
/// - parts: 1 conversation, 2 message id, 4 first and last position
package struct TrailWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    package private(set) var count = 0

    package static let version: UInt8 = 1

    /// A number of 64 bits in groups of seven.
    static let varintBytesMax = 10

    static func varintBytes(of number: UInt64) -> Int { max(1, (70 - number.leadingZeroBitCount) / 7) }

    /// No `send` record is longer: the header, nine numbers and five texts.
    package static let sendBytesMax = 128 + 6 * (1 + NameFault.bytesMax) + Commitment.byteCount

    package init(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.baseAddress != nil, "a record needs room because it is never empty")
        base = buffer.baseAddress!
        capacity = buffer.count
    }

    package struct Header {
        package var kind: EventKind
        package var position: Position
        package var at: Instant
        package var imported: Instant?
        package var principal: Principal

        package init(kind: EventKind, position: Position, at: Instant, imported: Instant?, principal: Principal) {
            self.kind = kind
            self.position = position
            self.at = at
            self.imported = imported
            self.principal = principal
        }
    }

    package mutating func header(_ header: Header, tenant: UnsafeRawBufferPointer, hasClientTime: Bool = false) {
        self.header(header, tenant: tenant, flags: hasClientTime ? TrailFlags.clientTime : 0)
    }

    @inline(__always)
    mutating func header(_ header: Header, tenant: UnsafeRawBufferPointer, flags: UInt8) {
        byte(Self.version)
        byte(header.kind.rawValue)
        byte((header.imported == nil ? 0 : TrailFlags.imported) | flags)
        switch header.principal {
        case .system: byte(0)
        case .user: byte(1)
        }
        fixed(header.position.rawValue)
        fixed(UInt64(bitPattern: header.at.milliseconds))
        if let imported = header.imported { fixed(UInt64(bitPattern: imported.milliseconds)) }
        if case .user(let uid) = header.principal { varint(UInt64(uid)) }
        text(tenant)
    }

    @inline(__always)
    package mutating func byte(_ value: UInt8) {
        precondition(count < capacity, "a record outgrew its room because its limit is wrong")
        base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    package mutating func fixed(_ value: UInt64) {
        precondition(count + 8 <= capacity, "a record outgrew its room because its limit is wrong")
        base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(rest))
    }

    @inline(__always)
    package mutating func text(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= Int(UInt8.max), "a text was too long because nobody checked it at the door")
        byte(UInt8(bytes.count))
        raw(bytes)
    }

    @inline(__always)
    package mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        precondition(count + bytes.count <= capacity, "a record outgrew its room because its limit is wrong")
        if let source = bytes.baseAddress { (base + count).copyMemory(from: source, byteCount: bytes.count) }
        count += bytes.count
    }

    package mutating func text(_ bytes: [UInt8]) { bytes.withUnsafeBytes { text($0) } }

    mutating func instant(_ instant: Instant) { fixed(UInt64(bitPattern: instant.milliseconds)) }

    /// A text that may be longer than a name.
    mutating func prose(_ text: String, bytesMax: Int) {
        precondition(text.utf8.count <= bytesMax, "a text was too long because nobody checked it at the door")
        varint(UInt64(text.utf8.count))
        var text = text
        text.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
    }
}

/// Bits of a trail record's third byte.
enum TrailFlags {
    static let imported: UInt8 = 1
    static let clientTime: UInt8 = 2
    static let floor: UInt8 = 4
    static let locked: UInt8 = 8

    /// Where the flags are in a record.
    static let offset = 2

    /// The bits that may be set in a record of a kind.
    static func known(of kind: EventKind) -> UInt8 {
        switch kind {
        case .send: imported | clientTime
        case .retentionChange: imported | floor | locked
        default: imported
        }
    }
}
