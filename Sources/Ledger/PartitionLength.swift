package import Events

/// How much time one partition covers: chosen once, when the archive is made.
package enum PartitionLength: String, Sendable, CaseIterable {
    case hour
    case day
    case week

    var milliseconds: Int64 {
        switch self {
        case .hour: 3_600_000
        case .day: Instant.millisecondsPerDay
        case .week: 7 * Instant.millisecondsPerDay
        }
    }

    /// 1970 began on a Thursday; weeks begin on Mondays, so the first one began three days before.
    private var shift: Int64 { self == .week ? 3 * Instant.millisecondsPerDay : 0 }

    package func partition(of instant: Instant) -> PartitionID {
        // Instants are never before 1970, so the division never rounds towards zero from below.
        PartitionID(Int32((instant.milliseconds + shift) / milliseconds))
    }

    /// The first moment of a partition; the first week of all begins with 1970 itself.
    package func start(of partition: PartitionID) -> Instant {
        Instant(milliseconds: max(0, Int64(partition.number) * milliseconds - shift))
    }

    /// The first moment behind a partition.
    package func end(of partition: PartitionID) -> Instant { start(of: PartitionID(partition.number + 1)) }

    /// The partition's name: its first day, and for hours the hour (UTC): `2026-11-23`, `2026-11-23T06`.
    package func name(of partition: PartitionID) -> String {
        String(start(of: partition).description.prefix(self == .hour ? 13 : 10))
    }

    package func partition(named name: some StringProtocol) -> PartitionID? {
        guard let start = Instant(text: self == .hour ? String(name) + ":00:00Z" : String(name)) else { return nil }
        let partition = self.partition(of: start)
        return self.name(of: partition) == name ? partition : nil
    }
}

/// Which slice of time: the number of hours, days or weeks since 1970.
package struct PartitionID: Hashable, Comparable, Sendable {
    package let number: Int32

    package init(_ number: Int32) { self.number = number }

    package static func < (left: PartitionID, right: PartitionID) -> Bool { left.number < right.number }
}
