/// Bytes to what rules say: retention, holds, and the clock.
extension RetentionChange {
    init(decoding reader: inout TrailReader, tenant: TenantID?, flags: UInt8) throws(TrailFault) {
        scope = try Scope(decoding: &reader, tenant: tenant)
        target = flags & TrailFlags.floor == 0 ? .policy : .floor
        isLocked = flags & TrailFlags.locked != 0
        rule = try Rule(decoding: &reader)
        effectiveAt = try reader.instant()
        reason = try reader.prose("reason", bytes: 0...Self.reasonBytesMax)
        try reader.end()
    }
}

extension RetentionCancel {
    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        scope = try Scope(decoding: &reader, tenant: tenant)
        change = try reader.position("change")
        reason = try reader.prose("reason", bytes: 0...RetentionChange.reasonBytesMax)
        try reader.end()
    }
}

extension HoldPlace {
    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        id = try reader.name(NameOf.Hold.self)
        coverage = try Coverage(decoding: &reader, tenant: tenant)
        matter = try reader.prose("matter", bytes: 1...Self.matterBytesMax)
        reason = try reader.prose("reason", bytes: 0...Self.reasonBytesMax)
        try reader.end()
    }
}

extension HoldRelease {
    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        id = try reader.name(NameOf.Hold.self)
        coverage = try Coverage(decoding: &reader, tenant: tenant)
        reason = try reader.prose("reason", bytes: 0...Self.reasonBytesMax)
        try reader.end()
    }
}

extension ClockConfirm {
    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        guard tenant == nil else { throw .malformed("tenant") }
        wall = try reader.instant()
        reason = try reader.prose("reason", bytes: 0...Self.reasonBytesMax)
        try reader.end()
    }
}

extension Scope {
    fileprivate init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        switch (try reader.byte(), tenant) {
        case (0, nil): self = .system
        case (1, let tenant?): self = .tenant(tenant)
        case (2, let tenant?): self = .conversation(tenant, try reader.name(NameOf.Conversation.self))
        default: throw .malformed("scope")
        }
    }
}

extension Coverage {
    init(decoding reader: inout TrailReader, tenant: TenantID?) throws(TrailFault) {
        let parts = try reader.byte()
        let names = parts & (TrailCoverage.conversation | TrailCoverage.sender)
        guard parts & ~TrailCoverage.known == 0, tenant != nil || names == 0 else { throw .malformed("coverage") }
        self.init(
            tenant: tenant,
            conversation: parts & TrailCoverage.conversation == 0 ? nil : try reader.name(NameOf.Conversation.self),
            sender: parts & TrailCoverage.sender == 0 ? nil : try reader.name(NameOf.User.self),
            from: parts & TrailCoverage.from == 0 ? nil : try reader.instant(),
            until: parts & TrailCoverage.until == 0 ? nil : try reader.instant())
    }
}

extension RetentionChange.Rule {
    init(decoding reader: inout TrailReader) throws(TrailFault) {
        let number = try reader.byte()
        switch number {
        case 0: self = .inherit
        case 1: self = .keep(.forever)
        case 2: self = .keep(.days(try Self.count(from: &reader, atMost: Period.daysMax)))
        case 3: self = .keep(.weeks(try Self.count(from: &reader, atMost: Period.weeksMax)))
        case 4: self = .keep(.months(try Self.count(from: &reader, atMost: Period.monthsMax)))
        case 5: self = .keep(.years(try Self.count(from: &reader, atMost: Period.yearsMax)))
        default: throw .malformed("rule")
        }
    }

    private static func count(from reader: inout TrailReader, atMost limit: UInt32) throws(TrailFault) -> UInt32 {
        guard let count = UInt32(exactly: try reader.varint()), count > 0, count <= limit else { throw .malformed("period") }
        return count
    }
}
