/// What rules say, to bytes: retention, holds, and the clock.
extension RetentionChange {
    func write(into writer: inout TrailWriter) {
        scope.write(into: &writer)
        rule.write(into: &writer)
        writer.instant(effectiveAt)
        writer.prose(reason, bytesMax: Self.reasonBytesMax)
    }
}

extension RetentionCancel {
    func write(into writer: inout TrailWriter) {
        scope.write(into: &writer)
        writer.varint(change.rawValue)
        writer.prose(reason, bytesMax: RetentionChange.reasonBytesMax)
    }
}

extension HoldPlace {
    func write(into writer: inout TrailWriter) {
        writer.text(id.utf8)
        coverage.write(into: &writer)
        writer.prose(matter, bytesMax: Self.matterBytesMax)
        writer.prose(reason, bytesMax: Self.reasonBytesMax)
    }
}

extension HoldRelease {
    func write(into writer: inout TrailWriter) {
        writer.text(id.utf8)
        coverage.write(into: &writer)
        writer.prose(reason, bytesMax: Self.reasonBytesMax)
    }
}

extension ClockConfirm {
    func write(into writer: inout TrailWriter) {
        writer.instant(wall)
        writer.prose(reason, bytesMax: Self.reasonBytesMax)
    }
}

extension Scope {
    fileprivate func write(into writer: inout TrailWriter) {
        switch self {
        case .system: writer.byte(0)
        case .tenant: writer.byte(1)
        case .conversation(_, let conversation):
            writer.byte(2)
            writer.text(conversation.utf8)
        }
    }
}

extension Coverage {
    func write(into writer: inout TrailWriter) {
        writer.byte(
            (conversation == nil ? 0 : TrailCoverage.conversation) | (sender == nil ? 0 : TrailCoverage.sender)
                | (from == nil ? 0 : TrailCoverage.from) | (until == nil ? 0 : TrailCoverage.until))
        if let conversation { writer.text(conversation.utf8) }
        if let sender { writer.text(sender.utf8) }
        if let from { writer.instant(from) }
        if let until { writer.instant(until) }
    }
}

/// Bits of a coverage's first byte.
enum TrailCoverage {
    static let conversation: UInt8 = 1
    static let sender: UInt8 = 2
    static let from: UInt8 = 4
    static let until: UInt8 = 8
    static let known: UInt8 = conversation | sender | from | until
}

extension RetentionChange.Rule {
    func write(into writer: inout TrailWriter) {
        writer.byte(number)
        switch self {
        case .inherit, .keep(.forever): break
        case .keep(.days(let count)), .keep(.weeks(let count)), .keep(.months(let count)), .keep(.years(let count)):
            writer.varint(UInt64(count))
        }
    }

    /// The rule's number on disk; never gets a second meaning.
    private var number: UInt8 {
        switch self {
        case .inherit: 0
        case .keep(.forever): 1
        case .keep(.days): 2
        case .keep(.weeks): 3
        case .keep(.months): 4
        case .keep(.years): 5
        }
    }
}
