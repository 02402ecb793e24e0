import Archive
import Events
import RESP

/// The fields of events that are about rules and purges.
extension ReplyWriter {
    mutating func ruleFields(of deed: Event.Deed) {
        switch deed {
        case .send, .localDelete, .retentionChange, .access:
            preconditionFailure("these have fields of their own, which were written already")
        case .retentionCancel(let cancel):
            key("scope")
            bulk(cancel.scope.description)
            key("change")
            position(cancel.change)
            key("reason")
            bulk(cancel.reason)
        case .holdPlace(let hold):
            key("hold")
            name(hold.id)
            key("scope")
            bulk(hold.coverage.description)
            key("matter")
            bulk(hold.matter)
            key("reason")
            bulk(hold.reason)
        case .holdRelease(let release):
            key("hold")
            name(release.id)
            key("scope")
            bulk(release.coverage.description)
            key("reason")
            bulk(release.reason)
        case .purgeIntent(let intent): fields(of: intent)
        case .purge(let purge): fields(of: purge)
        case .clockConfirm(let confirm):
            key("wall")
            instant(confirm.wall)
            key("reason")
            bulk(confirm.reason)
        case .partitionRemove(let removal): fields(of: removal)
        }
    }

    private mutating func fields(of intent: PurgeIntent) {
        key("scope")
        bulk(intent.coverage.description)
        key("basis")
        bulk(intent.basis.word)
        key("before")
        if case .before(let time) = intent.basis { instant(time) } else { null() }
        key("horizon-position")
        position(intent.horizonPosition)
        key("horizon-at")
        instant(intent.horizonTime)
        key("rules-position")
        position(intent.rules)
        key("messages")
        integer(Int(clamping: intent.messages))
        key("bytes")
        integer(Int(clamping: intent.bytes))
        key("keys")
        integer(Int(clamping: intent.keyCount))
        key("partitions")
        integer(intent.partitions.count)
        key("held")
        integer(Int(clamping: intent.held))
        key("floored")
        integer(Int(clamping: intent.floored))
        key("locked")
        integer(Int(clamping: intent.locked))
        key("digest")
        hexadecimal(intent.digest)
    }

    private mutating func fields(of removal: PartitionRemove) {
        key("partition")
        integer(Int(removal.partition))
        key("period")
        bulk(removal.period.description)
        key("first")
        position(removal.first)
        key("last")
        position(removal.last)
        key("events")
        integer(Int(clamping: removal.events))
        key("messages")
        integer(Int(clamping: removal.messages))
        key("digest")
        hexadecimal(removal.digest)
    }

    private mutating func fields(of purge: Purge) {
        key("intent")
        position(purge.intent)
        key("outcome")
        bulk(purge.outcome.word)
        key("messages")
        integer(Int(clamping: purge.messages))
        key("bytes")
        integer(Int(clamping: purge.bytes))
        key("keys")
        integer(Int(clamping: purge.keys))
        key("digest")
        hexadecimal(purge.digest)
    }
}
