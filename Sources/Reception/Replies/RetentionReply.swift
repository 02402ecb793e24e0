import Archive
import Events
import RESP

/// Answers about policies, floors and holds.
extension ReplyWriter {
    mutating func retention(_ found: RetentionInForce, of scope: Scope) {
        map(count: 10)
        key("scope")
        bulk(scope.description)
        key("period")
        bulk(found.policy.period.description)
        key("from")
        bulk(found.policy.from?.level ?? "default")
        key("position")
        position(orNull: found.policy.position)
        key("effective-at")
        instant(orNull: found.policy.effectiveAt)
        key("locked")
        boolean(found.isLocked)
        key("floor")
        text(orNull: found.floor?.period.description)
        key("floor-from")
        text(orNull: found.floor?.from?.level)
        key("floor-position")
        position(orNull: found.floor?.position)
        key("pending")
        array(count: found.pending.count)
        for entry in found.pending { pending(entry) }
    }

    private mutating func pending(_ entry: PendingChange) {
        map(count: 5)
        key("position")
        position(entry.position)
        key("target")
        bulk(entry.target.word)
        key("period")
        bulk(entry.rule.description)
        key("effective-at")
        instant(entry.effectiveAt)
        key("locked")
        boolean(entry.isLocked)
    }

    mutating func preview(_ preview: Preview) {
        map(count: 11)
        key("shortens")
        boolean(preview.shortens)
        key("effective-at")
        instant(preview.effectiveAt)
        key("expiring-messages")
        integer(Int(clamping: preview.expiring.messages))
        key("expiring-conversations")
        integer(Int(clamping: preview.expiring.conversations))
        key("expiring-bytes")
        integer(Int(clamping: preview.expiring.bytes))
        key("expiring-held")
        integer(Int(clamping: preview.expiringHeld))
        key("kept-messages")
        integer(Int(clamping: preview.kept.messages))
        key("kept-conversations")
        integer(Int(clamping: preview.kept.conversations))
        key("kept-bytes")
        integer(Int(clamping: preview.kept.bytes))
        key("estimated-messages")
        integer(Int(clamping: preview.estimated))
        key("position")
        position(preview.position)
    }

    mutating func presets(_ presets: [RetentionPreset]) {
        array(count: presets.count)
        for preset in presets {
            map(count: 3)
            key("preset")
            bulk(preset.name)
            key("period")
            bulk(preset.period.description)
            key("floor")
            text(orNull: preset.floor?.description)
        }
    }

    mutating func holds(_ holds: [HoldSummary]) {
        array(count: holds.count)
        for entry in holds {
            map(count: 14)
            key("hold")
            name(entry.hold.id)
            key("scope")
            bulk(entry.hold.coverage.description)
            key("tenant")
            text(orNull: entry.hold.coverage.tenant?.text)
            key("conversation")
            text(orNull: entry.hold.coverage.conversation?.text)
            key("sender")
            text(orNull: entry.hold.coverage.sender?.text)
            key("from")
            instant(orNull: entry.hold.coverage.from)
            key("until")
            instant(orNull: entry.hold.coverage.until)
            key("matter")
            bulk(entry.hold.matter)
            key("reason")
            bulk(entry.hold.reason)
            key("position")
            position(entry.position)
            key("at")
            instant(entry.at)
            key("principal")
            bulk(entry.principal.description)
            key("released")
            position(orNull: entry.released)
            key("released-at")
            instant(orNull: entry.releasedAt)
        }
    }

    mutating func explanation(_ why: Explanation) {
        map(count: 12)
        key("policy")
        bulk(why.policy.period.description)
        key("policy-from")
        bulk(why.policy.from?.level ?? "default")
        key("policy-position")
        position(orNull: why.policy.position)
        key("policy-since")
        instant(orNull: why.policy.effectiveAt)
        key("locked")
        boolean(why.isLocked)
        key("floor")
        text(orNull: why.floor?.period.description)
        key("floor-from")
        text(orNull: why.floor?.from?.level)
        key("floor-position")
        position(orNull: why.floor?.position)
        key("floor-since")
        instant(orNull: why.floor?.effectiveAt)
        key("floors-expiry")
        boolean(why.floorDecides)
        key("holds")
        array(count: why.holds.count)
        for hold in why.holds {
            map(count: 3)
            key("hold")
            name(hold.id)
            key("matter")
            bulk(hold.matter)
            key("position")
            position(hold.position)
        }
        key("hidden-position")
        position(orNull: why.hidden)
    }
}

extension Scope {
    /// Which of the three kinds of scope it is.
    fileprivate var level: String {
        switch self {
        case .system: "system"
        case .tenant: "tenant"
        case .conversation: "conversation"
        }
    }
}
