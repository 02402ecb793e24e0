import Events
import Testing

@Suite("Instant")
struct InstantTests {
    @Test("what can be written is 1970 to 9999, to the millisecond")
    func bounds() {
        #expect("\(Instant.distantPast)" == "1970-01-01T00:00:00.000Z")
        #expect("\(Instant.distantFuture)" == "9999-12-31T23:59:59.999Z")
        #expect(Instant.distantPast.isWritable && Instant.distantFuture.isWritable)
        #expect(!Instant(milliseconds: -1).isWritable)
        #expect(!Instant(milliseconds: Instant.distantFuture.milliseconds + 1).isWritable)
    }

    @Test("an instant moves by milliseconds, and stops at the ends of what can be written")
    func advances() {
        let start = Instant(milliseconds: 1_000)
        #expect(start.advanced(byMilliseconds: 234).milliseconds == 1_234)
        #expect(start.advanced(byMilliseconds: -1_000) == .distantPast)
        #expect(start.advanced(byMilliseconds: -1_001) == .distantPast)
        #expect(start.advanced(byMilliseconds: .max) == .distantFuture)
        #expect(Instant.distantFuture.advanced(byMilliseconds: .max) == .distantFuture)
        #expect(Instant(milliseconds: -5).advanced(byMilliseconds: .min) == .distantPast)
    }
}
