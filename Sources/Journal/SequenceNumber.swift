/// A record's place in the journal: 1, 2, 3, …, no gaps.
///
/// A type of its own, because the journal also counts generations and bytes.
package struct SequenceNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number as it stands in a record's header.
    package let rawValue: UInt64

    /// `nil` for zero, and for numbers from which nobody could count on for long: disks can say anything.
    package init?(_ rawValue: UInt64) {
        guard (1...Self.rawValueMax / 2).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(trusted rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// 2^62: at a million records a second, the year 148,000.
    private static let rawValueMax: UInt64 = 1 << 62

    /// The number of the first record ever.
    package static let first = SequenceNumber(trusted: 1)

    /// The number after this one.
    package var next: SequenceNumber {
        precondition(rawValue < Self.rawValueMax, "the journal cannot go on because its numbers are used up")
        return SequenceNumber(trusted: rawValue + 1)
    }

    /// The number in digits.
    package var description: String { String(rawValue) }

    /// Whether `one` was appended before `other`.
    package static func < (one: SequenceNumber, other: SequenceNumber) -> Bool { one.rawValue < other.rawValue }
}
