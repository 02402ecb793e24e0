import Events
import Projections
import TestSupport
import Testing

@Suite("PolicyBook as a list")
struct PolicyModelTests {
    private let scopes: [Scope] = [.system, .tenant("acme"), .conversation("acme", "general")]

    @Test("whatever is asked, the answer is what one finds by looking through all changes", arguments: 0..<5)
    func matchesModel(_ round: Int) {
        var random = SeededRandom(for: "policy book as a list (\(round))")
        var book = PolicyBook()
        var made: [MadeChange] = []
        for position: UInt64 in 1...200 {
            if !made.isEmpty, random.chance(of: 1, in: 5) {
                let index = Int.random(in: made.indices, using: &random)
                let place = LogPlace(position: Position(position), at: random.time())
                book.cancel(made[index].position, position: place.position, at: place.at)
                made[index].cancelled = made[index].cancelled ?? place
            } else {
                made.append(random.change(Position(position), of: scopes))
                made.last?.write(into: &book)
            }
            let horizon = Horizon(.random(in: 0...210, using: &random), at: random.time().milliseconds)
            for scope in scopes { compare(book, made, scope, horizon) }
        }
    }

    private func compare(_ book: PolicyBook, _ made: [MadeChange], _ scope: Scope, _ horizon: Horizon) {
        let policy = made.period(of: scope, horizon)
        let floors = made.floors(of: scope, horizon)
        #expect(book.inForce(for: scope, within: horizon).period == policy)
        #expect(book.floors(for: scope, within: horizon).map(\.period) == floors)
        #expect(book.terms(for: scope, within: horizon) == Terms(policy: policy, floors: floors))
        #expect(book.pending(of: scope, within: horizon).map(\.position) == made.pending(of: scope, horizon))
        for target in RetentionTarget.allCases {
            let expected = made.inForce(scope, target, horizon)?.position
            #expect(book.rule(of: scope, target: target, within: horizon)?.position == expected)
        }
        #expect(book.history(of: scope).map(\.position) == made.filter { $0.scope == scope }.map(\.position))
    }
}

/// A change as a list keeps it.
private struct MadeChange {
    var scope: Scope
    var target: RetentionTarget
    var position: Position
    var at: Instant
    var effectiveAt: Instant
    var rule: RetentionChange.Rule
    var cancelled: LogPlace?

    func write(into book: inout PolicyBook) {
        let change = RetentionChange(scope: scope, target: target, rule: rule, effectiveAt: effectiveAt, reason: "")
        book.record(change, position: position, at: at)
    }

    func isKnown(_ horizon: Horizon) -> Bool { position <= horizon.position && at <= horizon.time }

    func isCancelled(_ horizon: Horizon) -> Bool {
        cancelled.map { $0.position <= horizon.position && $0.at <= horizon.time } ?? false
    }
}

extension [MadeChange] {
    /// Those of a scope and target that are known, not taken back, and never were superseded.
    private func counting(_ scope: Scope, _ target: RetentionTarget, _ horizon: Horizon) -> [MadeChange] {
        let known = filter { $0.scope == scope && $0.target == target && $0.isKnown(horizon) }
        return known.filter { old in
            !old.isCancelled(horizon)
                && !known.contains { $0.position > old.position && old.at <= $0.at && $0.effectiveAt <= old.effectiveAt }
        }
    }

    fileprivate func inForce(_ scope: Scope, _ target: RetentionTarget, _ horizon: Horizon) -> MadeChange? {
        counting(scope, target, horizon).filter { $0.effectiveAt <= horizon.time }.max {
            ($0.effectiveAt, $0.position) < ($1.effectiveAt, $1.position)
        }
    }

    fileprivate func period(of scope: Scope, _ horizon: Horizon) -> Period {
        for candidate in scope.widening {
            if case .keep(let period) = inForce(candidate, .policy, horizon)?.rule { return period }
        }
        return .systemDefault
    }

    fileprivate func floors(of scope: Scope, _ horizon: Horizon) -> [Period] {
        scope.widening.compactMap { candidate in
            if case .keep(let period) = inForce(candidate, .floor, horizon)?.rule { period } else { nil }
        }
    }

    fileprivate func pending(of scope: Scope, _ horizon: Horizon) -> [Position] {
        let all = RetentionTarget.allCases.flatMap { counting(scope, $0, horizon) }.filter { $0.effectiveAt > horizon.time }
        return all.sorted { ($0.effectiveAt, $0.position) < ($1.effectiveAt, $1.position) }.map(\.position)
    }
}

extension SeededRandom {
    fileprivate mutating func time() -> Instant { Instant(milliseconds: .random(in: 0...60, using: &self)) }

    fileprivate mutating func change(_ position: Position, of scopes: [Scope]) -> MadeChange {
        MadeChange(
            scope: scopes[Int.random(in: 0..<3, using: &self)], target: chance(of: 1, in: 3) ? .floor : .policy, position: position,
            at: time(),
            effectiveAt: time(), rule: chance(of: 1, in: 4) ? .inherit : .keep(.days(.random(in: 1...9_999, using: &self))))
    }
}
