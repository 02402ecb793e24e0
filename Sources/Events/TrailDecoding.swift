/// Bytes to whole events. Any bytes give an event or a fault, and an event gives the same bytes again.
extension Event {
    package init(decoding record: UnsafeRawBufferPointer) throws(TrailFault) {
        let fields = try TrailFields(parsing: record)
        var reader = TrailReader(record, from: fields.rest)
        let tenant: TenantID? = fields.tenant.count == 0 ? nil : try reader.name(at: fields.tenant)
        let deed: Deed
        switch fields.kind {
        case .send: deed = .send(try Send(decoding: SendFields(of: fields, in: record), in: record))
        case .localDelete: deed = .localDelete(try LocalDelete(decoding: &reader))
        case .retentionChange:
            deed = .retentionChange(try RetentionChange(decoding: &reader, tenant: tenant, flags: record[TrailFlags.offset]))
        case .retentionCancel: deed = .retentionCancel(try RetentionCancel(decoding: &reader, tenant: tenant))
        case .holdPlace: deed = .holdPlace(try HoldPlace(decoding: &reader, tenant: tenant))
        case .holdRelease: deed = .holdRelease(try HoldRelease(decoding: &reader, tenant: tenant))
        case .purgeIntent: deed = .purgeIntent(try PurgeIntent(decoding: &reader, tenant: tenant))
        case .purge: deed = .purge(try Purge(decoding: &reader))
        case .clockConfirm: deed = .clockConfirm(try ClockConfirm(decoding: &reader, tenant: tenant))
        case .partitionRemove: deed = .partitionRemove(try PartitionRemove(decoding: &reader, tenant: tenant))
        case .access: deed = .access(try Access(decoding: &reader))
        }
        self.init(
            position: fields.position, at: fields.at, imported: fields.imported, principal: fields.principal,
            tenant: tenant, deed: deed)
    }

    package init(decoding record: [UInt8]) throws(TrailFault) {
        let decoded = record.withUnsafeBytes { bytes in
            Result { () throws(TrailFault) in try Event(decoding: bytes) }
        }
        self = try decoded.get()
    }
}

extension Send {
    fileprivate init(decoding fields: SendFields, in record: UnsafeRawBufferPointer) throws(TrailFault) {
        let reader = TrailReader(record)
        let type = fields.contentType.bytes(in: record)
        guard let contentType = type.isEmpty ? .plainText : ContentType(checking: type),
            type.isEmpty || contentType != .plainText
        else { throw .malformed("content type") }
        self.init(
            conversation: try reader.name(at: fields.conversation), sender: try reader.name(at: fields.sender),
            messageID: try reader.name(at: fields.messageID), contentType: contentType, bodyBytes: fields.bodyBytes,
            commitment: Commitment([UInt8](fields.commitment.bytes(in: record))), clientTime: fields.clientTime)
    }
}

extension LocalDelete {
    fileprivate init(decoding reader: inout TrailReader) throws(TrailFault) {
        conversation = try reader.name(NameOf.Conversation.self)
        viewer = try reader.name(NameOf.User.self)
        switch try reader.byte() {
        case 1: extent = .messages(try Self.targets(from: &reader))
        case 2: extent = .upTo(Position(try reader.varint()))
        default: throw .malformed("extent")
        }
        try reader.end()
    }

    private static func targets(from reader: inout TrailReader) throws(TrailFault) -> [Target] {
        let count = try reader.varint()
        guard count > 0, count <= targetsMax else { throw .malformed("number of messages") }
        var targets: [Target] = []
        for _ in 0..<count {
            let position = Position(try reader.varint())
            targets.append(Target(position: position, messageID: try reader.name(NameOf.Message.self)))
        }
        return targets
    }
}
