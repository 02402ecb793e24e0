/// Takes a trail record apart. Survives any bytes: every read checks that there is something to read.
struct TrailReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int

    init(_ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    mutating func byte() throws(TrailFault) -> UInt8 {
        guard offset < bytes.count else { throw .truncated }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func fixed() throws(TrailFault) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw .truncated }
        defer { offset += 8 }
        return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    mutating func instant() throws(TrailFault) -> Instant {
        let instant = Instant(milliseconds: Int64(bitPattern: try fixed()))
        guard instant.isWritable else { throw .malformed("time") }
        return instant
    }

    /// LEB128, at most 64 bits, in its shortest form: one number, one spelling, so that equal records have equal bytes.
    mutating func varint() throws(TrailFault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw .malformed("number") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 {
                guard next != 0 || shift == 0 else { throw .malformed("number") }
                return value
            }
            shift += 7
        }
    }

    mutating func place(_ count: Int) throws(TrailFault) -> TrailFields.Place {
        guard count >= 0, bytes.count - offset >= count else { throw .truncated }
        defer { offset += count }
        return TrailFields.Place(offset: offset, count: count)
    }

    mutating func text(allowingEmpty: Bool = false) throws(TrailFault) -> TrailFields.Place {
        let count = Int(try byte())
        guard count > 0 || allowingEmpty else { throw .malformed("empty name") }
        return try place(count)
    }

    mutating func name<Of>(_: Of.Type) throws(TrailFault) -> Name<Of> {
        try name(at: try text())
    }

    func name<Of>(at place: TrailFields.Place) throws(TrailFault) -> Name<Of> {
        do { return try Name(checking: place.bytes(in: bytes)) } catch { throw .malformed("name") }
    }

    /// A position that is one: not the place before the first event.
    mutating func position(_ field: String) throws(TrailFault) -> Position {
        let position = Position(try varint())
        guard position != .none else { throw .malformed(field) }
        return position
    }

    /// A number that can be counted with, since no arithmetic may trap on what a disk says.
    mutating func count(_ field: String, atMost limit: UInt64 = UInt64(Int64.max)) throws(TrailFault) -> UInt64 {
        let count = try varint()
        guard count <= limit else { throw .malformed(field) }
        return count
    }

    mutating func prose(_ field: String, bytes limits: ClosedRange<Int>) throws(TrailFault) -> String {
        guard let count = Int(exactly: try varint()), limits.contains(count) else { throw .malformed(field) }
        let place = try place(count)
        guard let text = String(validating: place.bytes(in: bytes), as: UTF8.self) else { throw .malformed(field) }
        return text
    }

    mutating func bytes(_ count: Int) throws(TrailFault) -> [UInt8] {
        let place = try place(count)
        return [UInt8](place.bytes(in: bytes))
    }

    func end() throws(TrailFault) {
        guard offset == bytes.count else { throw .trailingBytes }
    }
}
