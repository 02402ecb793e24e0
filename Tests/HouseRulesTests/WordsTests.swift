import Testing

@Suite("Forbidden words")
struct WordsTests {
    @Test(
        "a forbidden word is found in code",
        arguments: [
            "let a = try! f()", "let a = try? f()", "fatalError(\"x\")", "Task.detached { }", "Task { f() }", "Task{ f() }", "print(a)",
            "let now = Date()",
            "let now = Date.now", "clock_gettime(CLOCK_REALTIME, &time)", "ContinuousClock.now", "f(MDB_CREATE)", "mdb_env_close(raw)",
            "f(\"\\(try! g())\")",
        ])
    func finds(_ text: String) {
        let source = SwiftSource(text, path: "Sources/Ledger/Example.swift")
        #expect(ForbiddenWord.all.flatMap { $0.violations(in: source) }.count == 1)
    }

    @Test(
        "what only looks like one is left alone",
        arguments: [
            "try f()", "// try! f()", "f(\"try! g()\")", "fingerprint(a)", "do { try f() } catch { throw g }", "cursor.MyDate()",
            "RepeatedTask {",
            "myMDB_thing()", "let fatal = Error()",
        ])
    func leavesAlone(_ text: String) {
        let source = SwiftSource(text, path: "Sources/Ledger/Example.swift")
        #expect(ForbiddenWord.all.flatMap { $0.violations(in: source) } == [])
    }

    @Test("what talks to people may print and read a clock; LMDB's room may speak C; a test may print its seed")
    func allowed() {
        let cases = [
            ("Sources/Console/Example.swift", "print(Date())"), ("Sources/annalsd/Example.swift", "print(ContinuousClock.now)"),
            ("Sources/LMDB/Example.swift", "f(MDB_CREATE)"), ("Tests/EventsTests/Example.swift", "print(seed)"),
        ]
        for (path, text) in cases {
            let source = SwiftSource(text, path: path)
            #expect(ForbiddenWord.all.flatMap { $0.violations(in: source) } == [], "\(path)")
        }
        let inside = SwiftSource("try? f()", path: "Tests/EventsTests/Example.swift")
        #expect(ForbiddenWord.all.flatMap { $0.violations(in: inside) }.count == 1)
    }

    @Test(
        "a test that has a folder or randomness of its own is found",
        arguments: [
            "guard mkdtemp(&name) != nil else { throw f }", "let path = NSTemporaryDirectory()", "FileManager.default.temporaryDirectory",
            "var random = SystemRandomNumberGenerator()", "struct Seed: RandomNumberGenerator {}",
        ])
    func ownSupport(_ text: String) {
        let violations = ["Tests/EventsTests/A.swift", "Tests/TestSupport/A.swift", "Sources/Events/A.swift"].map { path in
            ForbiddenWord.all.flatMap { $0.violations(in: SwiftSource(text, path: path)) }.count
        }
        #expect(violations == [1, 0, 0])
    }

    @Test(
        "a catch with nothing in it is found, whatever it catches",
        arguments: ["catch {}", "catch { }", "catch {\n    // nothing\n}", "catch let error { }", "catch Trouble.one, Trouble.two {}"])
    func emptyCatch(_ text: String) {
        #expect(EmptyCatch.violations(in: SwiftSource("do { try f() } \(text)")).count == 1)
    }

    @Test(
        "a catch that does something is left alone",
        arguments: ["catch { throw g }", "catch {\n    return\n}", "catching { }", "catch { {}() }"])
    func fullCatch(_ text: String) {
        #expect(EmptyCatch.violations(in: SwiftSource("do { try f() } \(text)")) == [])
    }

    @Test("public is found in the house, and allowed in the client's library")
    func accessLevels() {
        for text in ["public struct A {}", "    public func f() {}", "open class A {}", "@inlinable public init() {}"] {
            #expect(AccessLevels.violations(in: SwiftSource(text, path: "Sources/Ledger/A.swift")).count == 1)
            #expect(AccessLevels.violations(in: SwiftSource(text, path: "Sources/AnnalsClient/A.swift")) == [])
        }
        for text in ["public import CLMDB", "package struct A {}", "// public", "open(path)", "case open"] {
            #expect(AccessLevels.violations(in: SwiftSource(text, path: "Sources/Ledger/A.swift")) == [])
        }
    }

    @Test("a violation says where it is")
    func place() {
        let source = SwiftSource("// one\n\nlet a = try! f()\n", path: "Sources/Ledger/Example.swift")
        let found = ForbiddenWord.all.flatMap { $0.violations(in: source) }
        #expect(found.first?.description.hasPrefix("Sources/Ledger/Example.swift:3: 'try!'") == true)
    }

    @Test("what is put off is found in comments, code and pages, whole words only")
    func postponed() {
        for word in Postponed.words {
            #expect(Postponed.violations(in: SwiftSource("// \(word): later")).count == 1)
            #expect(Postponed.violations(in: SwiftSource("let \(word) = 1")).count == 1)
            #expect(Postponed.violations(in: SwiftSource("f(\"\(word)\")")).isEmpty)
            #expect(Postponed.violations(in: SwiftSource("let my\(word)s = 1")).isEmpty)
            #expect(Postponed.violations(in: "a\n\(word) b", path: "README.md").map(\.line) == [2])
            #expect(Postponed.violations(in: "\(word)S", path: "README.md").isEmpty)
        }
    }
}
