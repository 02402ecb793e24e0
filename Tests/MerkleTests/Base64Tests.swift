import TestSupport
import Testing

@testable import Merkle

@Suite("Base64")
struct Base64Tests {
    @Test(
        "the vectors of RFC 4648 are written and read",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ])
    func vectors(_ plain: String, _ text: String) {
        #expect(Base64.text(of: Array(plain.utf8)) == text)
        #expect(Base64.bytes(of: Array(text.utf8)) == Array(plain.utf8))
    }

    @Test("bytes of every length come back")
    func roundTrips() {
        var random = SeededRandom(for: "base64")
        for count in 0..<200 {
            let bytes = random.bytes(count)
            #expect(Base64.bytes(of: Array(Base64.text(of: bytes).utf8)) == bytes)
        }
    }

    @Test(
        "a second spelling of the same bytes is refused, and so is what is none",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9", "Zm8=\n", "Zm 8=", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm9-", "Zm9_", "Zm\u{0}v",
            "Zm9é",
        ])
    func strict(_ text: String) {
        #expect(Base64.bytes(of: Array(text.utf8)) == nil)
    }

    @Test("whatever is read is written the same")
    func oneSpelling() {
        var random = SeededRandom(for: "spellings of base64")
        let signs = Array("AQZgw048+/=".utf8)
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<8).map { _ in signs[Int.random(in: 0..<signs.count, using: &random)] }
            guard let bytes = Base64.bytes(of: text) else { continue }
            read += 1
            #expect(Array(Base64.text(of: bytes).utf8) == text)
        }
        #expect(read > 1_000)
    }
}
