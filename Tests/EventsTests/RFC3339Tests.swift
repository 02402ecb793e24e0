import Events
import TestSupport
import Testing

@Suite("RFC 3339")
struct RFC3339Tests {
    @Test(
        "a date and time with its zone is a moment",
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2018-02-03T04:05:06.789Z", 1_517_630_706_789),
            ("2018-02-03t04:05:06.789z", 1_517_630_706_789),
            ("2018-02-03 04:05:06.789Z", 1_517_630_706_789),
            ("2018-02-03T12:05:06.789+08:00", 1_517_630_706_789),
            ("2018-02-02T19:35:06.789-08:30", 1_517_630_706_789),
            ("2018-02-03T04:05:06.789-00:00", 1_517_630_706_789),
            ("2018-02-04T04:04:06.789+23:59", 1_517_630_706_789),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1969-12-31T23:00:00-01:00", 0),
        ])
    func dateTimes(_ text: String, _ milliseconds: Int64) {
        #expect(Instant(text: text)?.milliseconds == milliseconds)
    }

    @Test(
        "a fraction is cut off behind its milliseconds",
        arguments: [
            ("1970-01-01T00:00:00.1Z", 100), ("1970-01-01T00:00:00.12Z", 120), ("1970-01-01T00:00:00.123Z", 123),
            ("1970-01-01T00:00:00.1239999999999999999999999Z", 123), ("1970-01-01T00:00:00.0009Z", 0),
        ])
    func fractions(_ text: String, _ milliseconds: Int64) {
        #expect(Instant(text: text)?.milliseconds == milliseconds)
    }

    @Test("a bare date is its first moment in UTC")
    func dates() {
        #expect(Instant(text: "2018-02-03")?.milliseconds == 1_517_616_000_000)
        #expect(Instant(text: "1970-01-01") == .distantPast)
    }

    @Test("a bare number is milliseconds since 1970")
    func numbers() {
        #expect(Instant(text: "0") == .distantPast)
        #expect(Instant(text: "2018")?.milliseconds == 2_018)
        #expect(Instant(text: "1517630706789")?.milliseconds == 1_517_630_706_789)
        #expect(Instant(text: "253402300799999") == .distantFuture)
    }

    @Test("29 February is a date in leap years alone, and no month has more days than it has")
    func monthLengths() {
        for leap in ["1972", "2000", "2024", "2400"] { #expect(Instant(text: leap + "-02-29") != nil, "\(leap)") }
        for common in ["1970", "2023", "2100", "2200", "2300"] { #expect(Instant(text: common + "-02-29") == nil, "\(common)") }
        for month in ["04", "06", "09", "11"] { #expect(Instant(text: "2024-\(month)-31") == nil, "\(month)") }
        for month in ["01", "03", "05", "07", "08", "10", "12"] { #expect(Instant(text: "2024-\(month)-31") != nil, "\(month)") }
    }

    @Test("a leap second counts as the second after it")
    func leapSeconds() {
        let after = Instant(text: "2017-01-01T00:00:00Z")
        #expect(Instant(text: "2016-12-31T23:59:60Z") == after)
        #expect(Instant(text: "2017-01-01T08:59:60+09:00") == after)
        #expect(Instant(text: "2016-12-31T23:59:60.5Z")?.milliseconds == after.map { $0.milliseconds + 500 })
        #expect(Instant(text: "2016-12-31T23:59:61Z") == nil)
    }

    @Test(
        "what lies outside 1970 to 9999 is no moment",
        arguments: [
            "1969-12-31T23:59:59.999Z", "1969-12-31", "1970-01-01T00:00:00+00:01", "0000-01-01", "9999-12-31T23:59:60Z",
            "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "253402300800000", "999999999999999",
        ])
    func outside(_ text: String) {
        #expect(Instant(text: text) == nil)
    }

    @Test(
        "anything else is no moment",
        arguments: [
            "", " ", "-", "-1", "+1", "1e3", "0x10", "12:00", "now", "2018-02", "2018-2-3", "18-02-03", "2018/02/03",
            "2018-00-10", "2018-13-10", "2018-10-00", "2018-10-32", "2018-02-03Z", "2018-02-03T", "2018-02-03T04", "2018-02-03T04:05Z",
            "2018-02-03T04:05:06", "2018-02-03T24:00:00Z", "2018-02-03T04:60:00Z", "2018-02-03T04:05:06.Z", "2018-02-03T04:05:06,5Z",
            "2018-02-03T04:05:06ZZ", "2018-02-03T04:05:06Z ", " 2018-02-03T04:05:06Z", "2018-02-03T04:05:06+08", "2018-02-03T04:05:06+0800",
            "2018-02-03T04:05:06+24:00", "2018-02-03T04:05:06+08:60", "2018-02-03T04:05:06+8:00", "2018-02-03T04:05:06 UTC",
            "２０１８-02-03", "2018-02-03T04:05:06Z\0", "1517630706789.5", "1517630706789000000", "99999999999999999999999",
        ])
    func garbage(_ text: String) {
        #expect(Instant(text: text) == nil)
    }

    @Test("every moment is read as what was written, whole or as a number")
    func roundTrips() {
        var random = SeededRandom(for: "RFC 3339 round trips")
        for _ in 0..<20_000 {
            let instant = random.instant()
            #expect(Instant(text: instant.description) == instant)
            #expect(Instant(text: String(instant.milliseconds)) == instant)
        }
    }

    @Test("any bytes are a moment or none, and cost no trap")
    func randomText() {
        var random = SeededRandom(for: "RFC 3339 of random text")
        let signs = Array("0123456789-:TZ+. t\u{E9}")
        for _ in 0..<20_000 {
            var text = random.chance(of: 1, in: 3) ? [] : Array(random.instant().description)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let sign = signs[Int.random(in: 0..<signs.count, using: &random)]
                text.insert(sign, at: Int.random(in: 0...text.count, using: &random))
                if text.count > 20 { text.remove(at: Int.random(in: 0..<text.count, using: &random)) }
            }
            if let instant = Instant(text: String(text)) { #expect(instant.isWritable, "\(String(text))") }
        }
    }
}
