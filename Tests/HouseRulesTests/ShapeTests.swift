import Testing

@Suite("Shape")
struct ShapeTests {
    @Test("a file of 400 lines is one noun, one of 401 is two")
    func length() {
        #expect(Shape.overlong(SwiftSource(String(repeating: "a\n", count: 400))) == [])
        #expect(Shape.overlong(SwiftSource(String(repeating: "a\n", count: 401))).count == 1)
    }

    @Test("a file that is called by no noun is found, by any word of its name")
    func fileNames() {
        for name in ["SessionManager", "Helpers", "TestHelper", "StringUtils", "Common", "BaseSession", "NewArchive", "Array+Helpers"] {
            #expect(Shape.emptyName(ofFile: "Sources/Archive/\(name).swift").count == 1, "\(name)")
        }
        for name in ["Archive", "Database", "Renewal", "CommonsCollection", "Basement", "RESPValue", "AnnalsClient+Commands", "News"] {
            #expect(Shape.emptyName(ofFile: "Sources/Archive/\(name).swift") == [], "\(name)")
        }
    }

    @Test("a type that is called by no noun is found")
    func typeNames() {
        #expect(Shape.emptyNames(ofTypesIn: SwiftSource("package final class SessionManager {")).map(\.line) == [1])
        #expect(Shape.emptyNames(ofTypesIn: SwiftSource("struct A {\n    enum Utils {}\n}")).map(\.line) == [2])
        #expect(Shape.emptyNames(ofTypesIn: SwiftSource("struct Session {  // class Manager")) == [])
        #expect(Shape.emptyNames(ofTypesIn: SwiftSource("extension FileManager {")) == [])
    }
}
