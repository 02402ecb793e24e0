package import Events
import Ledger
package import Projections

/// What a purge would destroy: also the dry run.
package struct PurgePlan: Hashable, Sendable {
    package var coverage: Coverage
    package var basis: PurgeBasis
    /// What the log knew, and the moment at which expiry was judged.
    package var horizon: Horizon
    /// The last event that changed what may be destroyed.
    package var rules: Position
    package var lines: [Line] = []
    /// Those of all lines. (A line's own count is of its partition, so one that lasted two days is in two.)
    package var conversations: UInt64 = 0
    /// Messages that would go if it were not for a hold, a floor, a lock.
    package var held: UInt64 = 0
    package var floored: UInt64 = 0
    package var locked: UInt64 = 0
    /// Of an automatic plan: what it leaves of each partition.
    var rest: [PartitionID: PartitionSurvey.Rest] = [:]
    /// SHA-256 of all of it.
    package var digest: [UInt8] = []

    /// A tenant's part of a partition.
    package struct Line: Hashable, Sendable {
        package var line: PurgeLine
        /// Messages that stay though they are sealed under a key that must die: they are sealed anew.
        package var survivors: UInt64
    }

    package var position: Position { horizon.position }
    package var time: Instant { horizon.time }

    /// By which it is asked to be run.
    package var id: String { digest.prefix(8).hexText }
    package var messages: UInt64 { lines.reduce(0) { $0 + $1.line.messages } }
    package var bytes: UInt64 { lines.reduce(0) { $0 + $1.line.bytes } }
    package var keys: Int { lines.reduce(0) { $0 + $1.line.keys.count } }
    package var survivors: UInt64 { lines.reduce(0) { $0 + $1.survivors } }
    package var partitions: Int { Set(lines.map(\.line.partition)).count }

    /// The intents that carry it out, each of a bounded size. What is held and floored is told by the first.
    func intents() -> [PurgeIntent] {
        portions().enumerated().map { index, lines in
            PurgeIntent(
                coverage: coverage, basis: basis, horizonPosition: horizon.position, horizonTime: horizon.time, rules: rules,
                held: index == 0 ? held : 0, floored: index == 0 ? floored : 0, locked: index == 0 ? locked : 0,
                lines: lines, digest: digest)
        }
    }

    private func portions() -> [[PurgeLine]] {
        var portions: [[PurgeLine]] = []
        var bytes = 0
        for line in lines.lazy.map(\.line) {
            bytes += line.byteCountMax
            if bytes > PurgeOptions.linesBytesMax || portions.isEmpty {
                portions.append([])
                bytes = line.byteCountMax
            }
            portions[portions.count - 1].append(line)
        }
        return portions
    }
}
