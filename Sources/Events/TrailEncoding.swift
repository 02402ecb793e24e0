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
        case .retentionCancel(let cancel): TrailWriter.sendBytesMax + cancel.reason.utf8.count
        case .holdPlace(let hold): TrailWriter.sendBytesMax + hold.matter.utf8.count + hold.reason.utf8.count
        case .holdRelease(let release): TrailWriter.sendBytesMax + release.reason.utf8.count
        case .purgeIntent(let intent): TrailWriter.sendBytesMax + intent.linesBytesMax
        case .purge: TrailWriter.sendBytesMax
        case .clockConfirm(let confirm): TrailWriter.sendBytesMax + confirm.reason.utf8.count
        case .partitionRemove: TrailWriter.sendBytesMax
        case .access(let access): TrailWriter.sendBytesMax + access.reason.utf8.count
        }
    }

    private func write(into writer: inout TrailWriter) {
        let header = TrailWriter.Header(kind: kind, position: position, at: at, imported: imported, principal: principal)
        (tenant?.utf8 ?? []).withUnsafeBytes { writer.header(header, tenant: $0, flags: deed.flags) }
        switch deed {
        case .send(let send): send.write(into: &writer)
        case .localDelete(let deletion): deletion.write(into: &writer)
        case .retentionChange(let change): change.write(into: &writer)
        case .retentionCancel(let cancel): cancel.write(into: &writer)
        case .holdPlace(let hold): hold.write(into: &writer)
        case .holdRelease(let release): release.write(into: &writer)
        case .purgeIntent(let intent): intent.write(into: &writer)
        case .purge(let purge): purge.write(into: &writer)
        case .clockConfirm(let confirm): confirm.write(into: &writer)
        case .partitionRemove(let removal): removal.write(into: &writer)
        case .access(let access): access.write(into: &writer)
        }
    }
}

extension Event.Deed {
    /// The bits of the record's flags that belong to what was done.
    fileprivate var flags: UInt8 {
        switch self {
        case .send(let send): send.clientTime == nil ? 0 : TrailFlags.clientTime
        case .retentionChange(let change):
            (change.target == .floor ? TrailFlags.floor : 0) | (change.isLocked ? TrailFlags.locked : 0)
        default: 0
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
