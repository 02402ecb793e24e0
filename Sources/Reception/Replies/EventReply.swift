import Archive
import Events
import NIOCore
import RESP

/// Trail records: what all kinds have, then the kind's own fields.
extension ReplyWriter {
    mutating func event(_ event: Event) {
        map(count: 5 + (event.imported == nil ? 0 : 1) + event.deed.fieldCount)
        key("position")
        position(event.position)
        key("at")
        instant(event.at)
        key("kind")
        bulk(event.kind.word)
        key("principal")
        bulk(event.principal.description)
        key("tenant")
        if let tenant = event.tenant { name(tenant) } else { null() }
        switch event.deed {
        case .send(let send): fields(of: send)
        case .localDelete(let deletion): fields(of: deletion)
        case .retentionChange(let change): fields(of: change)
        case .access(let access): fields(of: access)
        default: ruleFields(of: event.deed)
        }
        if let imported = event.imported {
            key("recorded")
            instant(imported)
        }
    }

    private mutating func fields(of send: Send) {
        key("conversation")
        name(send.conversation)
        key("sender")
        name(send.sender)
        key("message-id")
        name(send.messageID)
        key("content-type")
        bulk(send.contentType.text)
        key("body-length")
        integer(Int(send.bodyBytes))
        key("commitment")
        hexadecimal(send.commitment.bytes)
        key("client-time")
        instant(orNull: send.clientTime)
    }

    private mutating func fields(of deletion: LocalDelete) {
        key("conversation")
        name(deletion.conversation)
        key("viewer")
        name(deletion.viewer)
        switch deletion.extent {
        case .messages(let targets):
            key("message-ids")
            array(count: targets.count)
            for target in targets { name(target.messageID) }
        case .upTo(let position):
            key("up-to")
            self.position(position)
        }
    }

    private mutating func fields(of change: RetentionChange) {
        key("scope")
        bulk(change.scope.description)
        key("period")
        bulk(change.rule.description)
        key("target")
        bulk(change.target.word)
        key("locked")
        boolean(change.isLocked)
        key("effective-at")
        instant(change.effectiveAt)
        key("reason")
        bulk(change.reason)
    }

    private mutating func fields(of access: Access) {
        key("asked")
        bulk(access.question.word)
        key("conversation")
        text(orNull: access.conversation?.text)
        key("message-id")
        text(orNull: access.messageID?.text)
        key("first")
        position(orNull: access.range?.lowerBound)
        key("last")
        position(orNull: access.range?.upperBound)
        key("bodies")
        integer(Int(clamping: access.bodies))
        key("reason")
        bulk(access.reason)
    }
}

extension Event.Deed {
    fileprivate var fieldCount: Int {
        switch self {
        case .send: 7
        case .localDelete: 3
        case .retentionChange: 6
        case .retentionCancel: 3
        case .holdPlace: 4
        case .holdRelease: 3
        case .purgeIntent: 14
        case .purge: 6
        case .clockConfirm: 2
        case .partitionRemove: 7
        case .access: 7
        }
    }
}

extension ReplyWriter {
    /// As many events as fit, one at the least. A reader goes on behind the last one anyway.
    mutating func events(_ events: [Event], bytesMax: Int) {
        var elements = ReplyWriter(version: version)
        var count = 0
        for event in events where elements.buffer.readableBytes < bytesMax {
            elements.event(event)
            count += 1
        }
        array(count: count)
        buffer.writeImmutableBuffer(elements.buffer)
    }
}
