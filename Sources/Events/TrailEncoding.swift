/// Whole events to bytes: for everything but the appender's fast way of a `send`, and for tests of that way.
extension Event {
    package func encoded() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: encodedBytesMax) { buffer, count in
            var writer = TrailWriter(into: UnsafeMutableRawBufferPointer(buffer))
            write(into: &writer)
            count = writer.count
        }
    }

    private var encodedBytesMax: Int {
        switch deed {
        case .send: TrailWriter.sendBytesMax
        case .localDelete(let deletion):
            switch deletion.extent {
            case .messages(let targets): TrailWriter.sendBytesMax + targets.count * (11 + NameFault.bytesMax)
            case .upTo: TrailWriter.sendBytesMax
            }
        case .retentionChange(let change): TrailWriter.sendBytesMax + change.reason.utf8.count
        }
    }

    private func write(into writer: inout TrailWriter) {
        let header = TrailWriter.Header(kind: kind, position: position, at: at, imported: imported, principal: principal)
        var hasClientTime = false
        if case .send(let send) = deed { hasClientTime = send.clientTime != nil }
        (tenant?.utf8 ?? []).withUnsafeBytes { writer.header(header, tenant: $0, hasClientTime: hasClientTime) }
        switch deed {
        case .send(let send): send.write(into: &writer)
        case .localDelete(let deletion): deletion.write(into: &writer)
        case .retentionChange(let change): change.write(into: &writer)
        }
    }
}

extension Send {
    fileprivate func write(into writer: inout TrailWriter) {
        writer.text(conversation.utf8)
        writer.text(sender.utf8)
        writer.text(messageID.utf8)
        writer.text(contentType == .plainText ? [] : Array(contentType.text.utf8))
        writer.varint(UInt64(bodyBytes))
        commitment.bytes.withUnsafeBytes { writer.raw($0) }
        if let clientTime { writer.fixed(UInt64(bitPattern: clientTime.milliseconds)) }
    }
}

extension LocalDelete {
    fileprivate func write(into writer: inout TrailWriter) {
        writer.text(conversation.utf8)
        writer.text(viewer.utf8)
        switch extent {
        case .messages(let targets):
            writer.byte(1)
            writer.varint(UInt64(targets.count))
            for target in targets {
                writer.varint(target.position.rawValue)
                writer.text(target.messageID.utf8)
            }
        case .upTo(let position):
            writer.byte(2)
            writer.varint(position.rawValue)
        }
    }
}

extension RetentionChange {
    fileprivate func write(into writer: inout TrailWriter) {
        switch scope {
        case .system: writer.byte(0)
        case .tenant: writer.byte(1)
        case .conversation(_, let conversation):
            writer.byte(2)
            writer.text(conversation.utf8)
        }
        rule.write(into: &writer)
        writer.fixed(UInt64(bitPattern: effectiveAt.milliseconds))
        let reason = Array(reason.utf8)
        writer.varint(UInt64(reason.count))
        reason.withUnsafeBytes { writer.raw($0) }
    }
}

extension RetentionChange.Rule {
    fileprivate func write(into writer: inout TrailWriter) {
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
