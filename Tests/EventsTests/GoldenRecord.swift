import Events
import Testing

/// A trail record spelled by hand, and the event that it says. Version 1's bytes lie on disks, so these never change.
struct GoldenRecord: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let event: Event
    let bytes: [UInt8]

    /// - Parameter fields: a field a line: its bytes in hex, a bar, and what it is.
    init(_ name: String, _ event: Event, _ fields: String) {
        testDescription = name
        self.event = event
        bytes = fields.split(separator: "\n").flatMap { line in
            Self.bytes(ofHex: line.prefix { $0 != "|" }.filter { $0 != " " })
        }
    }

    static let all = sends + localDeletes + retentionChanges + retentionCancels + holds + purges + clockConfirms + removals + accesses

    private static func bytes(ofHex digits: String) -> [UInt8] {
        precondition(digits.utf8.count.isMultiple(of: 2), "a field has whole bytes because hex gives each two digits: \(digits)")
        return stride(from: 0, to: digits.utf8.count, by: 2).map { offset in
            let pair = digits.dropFirst(offset).prefix(2)
            guard let byte = UInt8(pair, radix: 16) else { preconditionFailure("because \(pair) is no hex") }
            return byte
        }
    }
}

/// Moments of the golden records, with the numbers that are in their bytes.
enum GoldenTime {
    static let november = Instant(milliseconds: 1_795_416_138_123)  // 2026-11-23T06:42:18.123Z, 01a2 0724 218b
    static let sender = Instant(milliseconds: 1_795_416_137_900)  // 2026-11-23T06:42:17.900Z, 01a2 0724 20ac
    static let february = Instant(milliseconds: 1_517_630_706_789)  // 2018-02-03T04:05:06.789Z, 0161 59d6 d465
    static let newYear = Instant(milliseconds: 1_388_534_400_000)  // 2014-01-01T00:00:00Z, 0143 4b19 8400
}

extension Commitment {
    /// 00 01 02 … 1f.
    static let counting = Commitment(Array(0..<32))
}
