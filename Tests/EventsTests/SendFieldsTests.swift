import Events
import TestSupport
import Testing

@Suite("SendFields")
struct SendFieldsTests {
    @Test("the check passes just those records that can be decoded")
    func check() {
        var random = SeededRandom(for: "checks of sends")
        var faults = 0
        for round in 0..<20_000 {
            var record = GoldenRecord.sends[round % GoldenRecord.sends.count].bytes
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                record[Int.random(in: 4..<record.count, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            let isSound = Self.isSound { try Self.check(record) }
            #expect(isSound == Self.isSound { _ = try Event(decoding: record) })
            if !isSound { faults += 1 }
        }
        #expect((1..<20_000).contains(faults))
    }

    private static func check(_ record: [UInt8]) throws {
        try record.withUnsafeBytes { bytes in
            let fields = try TrailFields(parsing: bytes)
            try SendFields(of: fields, in: bytes).check(fields, in: bytes)
        }
    }

    private static func isSound(_ work: () throws -> Void) -> Bool {
        do { try work() } catch { return false }
        return true
    }
}
