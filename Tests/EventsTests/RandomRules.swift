import Events
import TestSupport

/// Rules as they can be.
extension SeededRandom {
    mutating func rule() -> (TenantID?, Event.Deed) {
        switch Int.random(in: 0..<8, using: &self) {
        case 0:
            let change = retentionChange()
            return (change.scope.tenant, .retentionChange(change))
        case 1:
            let cancel = RetentionCancel(scope: scope(), change: position(), reason: reason())
            return (cancel.scope.tenant, .retentionCancel(cancel))
        case 2:
            let hold = HoldPlace(
                id: name(), coverage: coverage(), matter: "m" + text(bytesMax: HoldPlace.matterBytesMax - 1, from: 0), reason: reason())
            return (hold.coverage.tenant, .holdPlace(hold))
        case 3:
            let release = HoldRelease(id: name(), coverage: coverage(), reason: reason())
            return (release.coverage.tenant, .holdRelease(release))
        case 4:
            let intent = purgeIntent()
            return (intent.coverage.tenant, .purgeIntent(intent))
        case 5: return (chance(of: 1, in: 2) ? nil : name(), .purge(purge()))
        case 6: return (nil, .partitionRemove(partitionRemove()))
        default: return (nil, .clockConfirm(ClockConfirm(wall: instant(), reason: reason())))
        }
    }

    mutating func retentionChange() -> RetentionChange {
        let rule: RetentionChange.Rule = chance(of: 1, in: 6) ? .inherit : .keep(period())
        return RetentionChange(
            scope: scope(), target: chance(of: 1, in: 2) ? .policy : .floor, rule: rule, isLocked: chance(of: 1, in: 2),
            effectiveAt: instant(), reason: reason())
    }

    mutating func period() -> Period {
        switch Int.random(in: 0..<5, using: &self) {
        case 0: .days(.random(in: 1...Period.daysMax, using: &self))
        case 1: .weeks(.random(in: 1...Period.weeksMax, using: &self))
        case 2: .months(.random(in: 1...Period.monthsMax, using: &self))
        case 3: .years(.random(in: 1...Period.yearsMax, using: &self))
        default: .forever
        }
    }

    mutating func coverage() -> Coverage {
        let tenant: TenantID? = chance(of: 1, in: 4) ? nil : name()
        return Coverage(
            tenant: tenant, conversation: tenant == nil || chance(of: 1, in: 2) ? nil : name(),
            sender: tenant == nil || chance(of: 1, in: 2) ? nil : name(), from: chance(of: 1, in: 2) ? nil : instant(),
            until: chance(of: 1, in: 2) ? nil : instant())
    }

    private mutating func purgeIntent() -> PurgeIntent {
        let places = Set((0..<Int.random(in: 1...6, using: &self)).map { _ in Int32(truncatingIfNeeded: number()) })
        let lines = places.sorted().flatMap { partition in
            let tenants = Set<TenantID>((0..<Int.random(in: 1...3, using: &self)).map { _ in name() })
            return tenants.sorted().map { line(partition, $0) }
        }
        return PurgeIntent(
            coverage: coverage(), basis: chance(of: 1, in: 2) ? .expired : .before(instant()), horizonPosition: Position(number()),
            horizonTime: instant(), rules: Position(number()), held: count(), floored: count(), locked: count(), lines: lines,
            digest: bytes(Purge.digestByteCount))
    }

    private mutating func line(_ partition: Int32, _ tenant: TenantID) -> PurgeLine {
        let keys = Set((0..<Int.random(in: 0...9, using: &self)).map { _ in max(1, number()) })
        return PurgeLine(
            partition: partition, tenant: tenant, keys: keys.sorted(), messages: count() >> 15, conversations: count() >> 15,
            bytes: count() >> 15)
    }

    private mutating func purge() -> Purge {
        Purge(
            intent: position(), outcome: chance(of: 1, in: 2) ? .destroyed : .withdrawn, messages: count(), bytes: count(), keys: count(),
            digest: bytes(Purge.digestByteCount))
    }

    private mutating func partitionRemove() -> PartitionRemove {
        let (first, events) = (position(), count())
        return PartitionRemove(
            partition: Int32(truncatingIfNeeded: number()), period: period(), first: first,
            last: Position(first.rawValue | number()), events: events, messages: events >> 1, digest: bytes(PartitionRemove.digestByteCount)
        )
    }

    private mutating func scope() -> Scope {
        let scopes: [Scope] = [.system, .tenant(name()), .conversation(name(), name())]
        return scopes[Int.random(in: 0..<3, using: &self)]
    }

    private mutating func reason() -> String { text(bytesMax: RetentionChange.reasonBytesMax, from: 0) }

    private mutating func position() -> Position { Position(max(1, number())) }

    /// Of 63 bits.
    private mutating func count() -> UInt64 { number() >> 1 }
}
