import Events
import Projections
import Testing

@Suite("Fingerprints")
struct FingerprintsTests {
    @Test("a name has the same fingerprint every time, under one seed")
    func stable() {
        let message: MessageID = "m-1"
        #expect(Fingerprints(seed: 1).of(message, in: "acme") == Fingerprints(seed: 1).of(message, in: "acme"))
        #expect(Fingerprints(seed: 1).of(message, in: "acme") != Fingerprints(seed: 2).of(message, in: "acme"))
    }

    @Test("the fingerprints of a seed are these for ever: they are keys on disks")
    func golden() {
        let fingerprints = Fingerprints(seed: 0x0123_4567_89AB_CDEF)
        let found = ["m-1", "消息-1", String(repeating: "n", count: 128)].map { text in
            fingerprints.of(Array(text.utf8).name, in: "acme").rawValue
        }
        #expect(found == Self.goldenValues)
    }

    private static let goldenValues: [UInt64] = [3_898_346_325_504_988_573, 5_222_285_194_719_468_204, 8_261_959_214_585_312_626]

    @Test("the readings of a message have another fingerprint than the message, and the same every time: its complement")
    func readings() {
        let fingerprints = Fingerprints(seed: 0x0123_4567_89AB_CDEF)
        let found = fingerprints.ofReadings(of: "m-1", in: "acme").rawValue
        #expect(found == ~Self.goldenValues[0])
        #expect(found != fingerprints.ofReadings(of: "m-1", in: "beta").rawValue)
    }

    @Test("the same name in two tenants has two fingerprints")
    func tenants() {
        let fingerprints = Fingerprints(seed: 7)
        let message: MessageID = "m-1"
        #expect(fingerprints.of(message, in: "acme") != fingerprints.of(message, in: "acme2"))
        // Not one text cut elsewhere: "a" + "cme" is not "ac" + "me".
        #expect(fingerprints.of("cme" as MessageID, in: "a") != fingerprints.of("me" as MessageID, in: "ac"))
    }

    @Test("names by the ten thousand have as many fingerprints")
    func spread() {
        let fingerprints = Fingerprints(seed: 7)
        var seen: Set<Fingerprint> = []
        for number in 0..<5_000 {
            seen.insert(fingerprints.of(Array("m-\(number)".utf8).name, in: "acme"))
            seen.insert(fingerprints.of(Array("m-\(number)".utf8).name, in: "other"))
        }
        #expect(seen.count == 10_000)
    }

    @Test("a fingerprint of lent bytes is that of the name")
    func lentBytes() {
        let fingerprints = Fingerprints(seed: 7)
        let (tenant, message): (TenantID, MessageID) = ("acme", "m-1")
        let ofBytes = tenant.utf8.withUnsafeBytes { tenant in message.utf8.withUnsafeBytes { fingerprints.of($0, in: tenant) } }
        #expect(ofBytes == fingerprints.of(message, in: tenant))
    }
}

extension [UInt8] {
    /// Bytes of a test that are a name.
    fileprivate var name: MessageID { MessageID(stringLiteral: String(decoding: self, as: UTF8.self)) }
}
