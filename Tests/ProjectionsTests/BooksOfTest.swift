import Events
import Projections

extension Horizon {
    static let all = Horizon(position: .last, time: .distantFuture)

    init(_ position: UInt64 = .max, at time: Int64) {
        self.init(position: Position(position), time: Instant(milliseconds: time))
    }
}

extension [UInt8] {
    /// 00 01 02 … 1f: a digest.
    static let counting = [UInt8](0..<32)
}

extension PurgeIntent {
    static func ofTest(
        coverage: Coverage = .everything, basis: PurgeBasis = .expired, horizon: Horizon = Horizon(5, at: 50), lines: [PurgeLine]
    ) -> PurgeIntent {
        PurgeIntent(
            coverage: coverage, basis: basis, horizonPosition: horizon.position, horizonTime: horizon.time, rules: .none, held: 0,
            floored: 0,
            locked: 0, lines: lines, digest: .counting)
    }
}
