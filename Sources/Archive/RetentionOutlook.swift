import Events
import Projections

/// What counts for a scope from now on, without a change and with it, and so when the change takes effect: pure.
///
/// Two courses are compared at each moment at which one of them turns, which is where it may get shorter.
struct RetentionOutlook {
    /// Without the change.
    let before: RuleCourse
    /// The change, as if it took effect at its own time.
    let change: PolicyBook.Entry
    let now: Instant
    /// When the cool-off is over. Counted from now, also for an imported change: nobody can have cancelled it before.
    let coolsOff: Instant
    private let turns: [Instant]

    enum Effect: Hashable {
        case takes(Instant)
        /// Something pending would take the lock's place.
        case undone(by: PolicyBook.Entry)
        /// Whenever it took effect, something shorter would come to light from behind a lock.
        case breaksLock
    }

    init(_ before: RuleCourse, _ change: PolicyBook.Entry, now: Instant, coolsOff: Instant) {
        precondition(change.at <= now, "an import brings what has happened because its time is checked at the door")
        self.before = before
        self.change = change
        self.now = now
        self.coolsOff = coolsOff
        turns = before.turns(after: now)
    }

    /// The change takes effect as soon as it may: in its own time, now, when something pending does, or after the cool-off.
    var effect: Effect {
        for moment in [change.at, now] + turns.filter({ $0 < coolsOff }) + [coolsOff] {
            let after = course(from: moment)
            guard !shortens(after, from: moment), keepsLocks(after, from: moment) else { continue }
            switch change.isLocked ? lock(in: after, from: moment) : .binds {
            case .binds: return .takes(moment)
            case .undone(let entry): return .undone(by: entry)
            case .overruled: continue
            }
        }
        return .breaksLock
    }

    /// Whether, at once, it would let something end earlier than without it: now, or before the cool-off is over.
    var shortensAtOnce: Bool {
        let after = course(from: now)
        return !isNeverShorter(after.period(at: now), than: before.period(at: now)) || shortens(after, from: now)
    }

    private func course(from moment: Instant) -> RuleCourse {
        var course = before
        var entry = change
        entry.effectiveAt = moment
        course.insert(entry)
        return course
    }

    /// Where what counts may be another than just before.
    private func steps(from moment: Instant) -> [Instant] { Set([now, max(now, moment)] + turns).sorted() }

    /// Whether, before the cool-off is over, something shorter counts than without the change.
    private func shortens(_ after: RuleCourse, from moment: Instant) -> Bool {
        steps(from: moment).contains { $0 < coolsOff && !isNeverShorter(after.period(at: $0), than: before.period(at: $0)) }
    }

    private func keepsLocks(_ after: RuleCourse, from moment: Instant) -> Bool {
        steps(from: moment).allSatisfy { time in
            guard let lock = before.rule(at: time), lock.isLocked, case .keep(let least) = lock.rule else { return true }
            return isNeverShorter(after.period(at: time), than: least)
        }
    }

    private enum Binding {
        case binds
        case undone(PolicyBook.Entry)
        /// What counts already is shorter, and would go on to be.
        case overruled
    }

    /// Whether, from the moment on, nothing shorter counts than a change that is a lock, and nothing that is none in place of it.
    private func lock(in after: RuleCourse, from moment: Instant) -> Binding {
        guard case .keep(let least) = change.rule else { return .binds }
        let start = max(now, moment)
        let counts = after.rule(at: start)?.position == change.position
        for time in steps(from: moment) where time >= start {
            let rule = after.rule(at: time)
            let isLost = counts && !(rule.map { $0.isLocked && $0.rule != .inherit } ?? false)
            if !isLost, isNeverShorter(after.period(at: time), than: least) { continue }
            if let rule, rule.effectiveAt > start { return .undone(rule) }
            return .overruled
        }
        return .binds
    }

    /// No floor at all is shorter than any.
    private func isNeverShorter(_ one: Period?, than other: Period?) -> Bool {
        guard let other else { return true }
        return one?.isNeverShorter(than: other) ?? false
    }
}
