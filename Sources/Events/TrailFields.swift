/// A trail record's fields as places in its bytes: found in one pass, nothing copied.
///
/// Enough for indexes and for folding; `Event(decoding:)` makes the whole event.
package struct TrailFields: Sendable {
    package let kind: EventKind
    package let position: Position
    package let at: Instant
    package let imported: Instant?
    package let principal: Principal
    /// Empty for what concerns the whole system.
    package let tenant: Place
    let rest: Int

    /// Bytes of a record, by offset and length.
    package struct Place: Hashable, Sendable {
        package var offset: Int
        package var count: Int

        package func bytes(in record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: record[offset..<offset + count])
        }
    }

    package init(parsing record: UnsafeRawBufferPointer) throws(TrailFault) {
        var reader = TrailReader(record)
        let version = try reader.byte()
        guard version == TrailWriter.version else { throw .unknownVersion(version) }
        let kindNumber = try reader.byte()
        guard let kind = EventKind(rawValue: kindNumber) else { throw .unknownKind(kindNumber) }
        let flags = try reader.byte()
        guard flags & ~TrailFlags.known(of: kind) == 0 else { throw .malformed("flags") }
        let principalTag = try reader.byte()
        let position = Position(try reader.fixed())
        guard position != .none else { throw .malformed("position") }
        let at = try reader.instant()
        imported = flags & TrailFlags.imported == 0 ? nil : try reader.instant()
        principal = try Self.principal(tag: principalTag, from: &reader)
        tenant = try reader.text(allowingEmpty: kind.isRule)
        rest = reader.offset
        self.kind = kind
        self.position = position
        self.at = at
    }

    private static func principal(tag: UInt8, from reader: inout TrailReader) throws(TrailFault) -> Principal {
        switch tag {
        case 0: return .system
        case 1:
            guard let uid = UInt32(exactly: try reader.varint()) else { throw .malformed("principal") }
            return .user(uid)
        default: throw .malformed("principal")
        }
    }
}

/// The places of a `send`.
package struct SendFields: Sendable {
    package let conversation: TrailFields.Place
    package let sender: TrailFields.Place
    package let messageID: TrailFields.Place
    package let contentType: TrailFields.Place
    package let bodyBytes: UInt32
    package let commitment: TrailFields.Place
    let clientTime: Instant?

    package init(of fields: TrailFields, in record: UnsafeRawBufferPointer) throws(TrailFault) {
        precondition(fields.kind == .send, "only a send has these fields because each kind has its own")
        var reader = TrailReader(record, from: fields.rest)
        conversation = try reader.text()
        sender = try reader.text()
        messageID = try reader.text()
        contentType = try reader.text(allowingEmpty: true)
        guard let bodyBytes = UInt32(exactly: try reader.varint()) else { throw .malformed("body length") }
        self.bodyBytes = bodyBytes
        commitment = try reader.place(Commitment.byteCount)
        clientTime = record[TrailFlags.offset] & TrailFlags.clientTime == 0 ? nil : try reader.instant()
        try reader.end()
    }

    /// Whether the whole event could be decoded: the rest of what that looks at.
    package func check(_ fields: TrailFields, in record: UnsafeRawBufferPointer) throws(TrailFault) {
        let areNames =
            fields.tenant.isName(in: record) && conversation.isName(in: record) && sender.isName(in: record)
            && messageID.isName(in: record)
        guard areNames else { throw .malformed("name") }
        let type = contentType.bytes(in: record)
        if type.isEmpty { return }
        guard ContentType.isValid(type), !type.elementsEqual(ContentType.plainText.text.utf8) else { throw .malformed("content type") }
    }
}

extension TrailFields.Place {
    fileprivate func isName(in record: UnsafeRawBufferPointer) -> Bool { NameFault.find(in: bytes(in: record)) == nil }
}

/// What is wrong with a trail record's bytes.
package enum TrailFault: Error, Equatable, Sendable {
    case truncated
    case trailingBytes
    case unknownVersion(UInt8)
    case unknownKind(UInt8)
    case malformed(String)
}

extension TrailFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated: "the record ends too early"
        case .trailingBytes: "the record has bytes behind its end"
        case .unknownVersion(let version): "the record's version \(version) is not known to this program"
        case .unknownKind(let kind): "the record's kind \(kind) is not known to this program"
        case .malformed(let field): "the record's \(field) makes no sense"
        }
    }
}
