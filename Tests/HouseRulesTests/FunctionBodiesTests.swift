import Testing

@Suite("FunctionBodies")
struct FunctionBodiesTests {
    @Test(
        "functions, initializers, subscripts and computed properties have bodies",
        arguments: [
            "func f() {\n    a()\n}", "func f(\n    a: Int\n) throws(E) -> Int {\n    a()\n}", "init?(a: [Int] = []) {\n    a()\n}",
            "init() {\n    a()\n}", "init<T>(a: T) where T: P {\n    a()\n}", "deinit {\n    a()\n}",
            "subscript(a: Int) -> Int {\n    a()\n}",
            "var a: Int {\n    b()\n}", "static func < (a: A, b: A) -> Bool {\n    a()\n}",
            "static func == (a: A, b: A) -> Bool {\n    a()\n}",
            "func f<A>() -> A\nwhere A: B {\n    a()\n}", "func f(a: () -> Void = { b() }) {\n    a()\n}",
            "func f() async throws\n    -> Int {\n    a()\n}",
        ])
    func bodies(_ text: String) {
        #expect(FunctionBodies(of: SwiftSource(text)).all.map(\.lines) == [1], "\(text)")
    }

    @Test(
        "requirements, stored properties, calls and longer words have none",
        arguments: [
            "protocol P {\n    func f() throws\n    var a: Int\n    init()\n}", "var a = b {\n    c()\n}", "self.init(a) {\n    b()\n}",
            "super.init()\nif a {\n}", "func f() -> Int\n}", "initial(a) {\n}", "variable {\n}", "let a: Int\nstruct B {\n}",
        ])
    func none(_ text: String) {
        #expect(FunctionBodies(of: SwiftSource(text)).all == [], "\(text)")
    }

    @Test("lines are counted between the braces, and a function's own functions are in its lines")
    func counts() {
        #expect(FunctionBodies(of: SwiftSource("func f() { a() }")).all.map(\.lines) == [0])
        let nested = SwiftSource("func f() {\n    func g() {\n        a()\n    }\n    b { c }\n}")
        #expect(FunctionBodies(of: nested).all.map(\.lines) == [4, 1])
        let strings = SwiftSource("func f() {\n    a(\"}\")  // }\n    b()\n}\n")
        #expect(FunctionBodies(of: strings).all.map(\.lines) == [2])
    }

    @Test("50 lines are allowed, 51 are not")
    func wall() {
        let body: (Int) -> SwiftSource = { lines in
            SwiftSource("struct S {\n    func f() {\n" + String(repeating: "        a()\n", count: lines) + "    }\n}\n")
        }
        #expect(FunctionBodies.violations(in: body(50)) == [])
        let found = FunctionBodies.violations(in: body(51))
        #expect(found.map(\.line) == [2])
        #expect(found.first?.reason.contains("51 lines") == true)
    }
}
