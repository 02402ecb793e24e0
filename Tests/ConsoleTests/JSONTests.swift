import Console
import Testing

struct JSONTests {
    @Test("members keep their order")
    func order() {
        let json = JSON.object([.init("b", .integer(1)), .init("a", .array([.null, .bool(true), .decimal(1.5)]))])
        #expect(json.text == #"{"b":1,"a":[null,true,1.5]}"#)
    }

    @Test("texts are escaped where they must be, and where a terminal would obey")
    func escapes() {
        #expect(JSON.string("a\"b\\c\nd\u{1B}[0m\u{9B}é世").text == #""a\"b\\c\nd\u001b[0m\u009bé世""#)
    }

    @Test("what JSON has no word for is null")
    func infinity() {
        #expect(JSON.decimal(.infinity).text == "null")
    }
}
