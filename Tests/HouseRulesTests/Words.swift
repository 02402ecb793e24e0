/// A word that must not be in code, and where.
struct ForbiddenWord: Sendable {
    var word: String
    var reason: String
    /// Whether a file of this path may have it all the same.
    var isAllowed: @Sendable (String) -> Bool = { _ in false }

    func violations(in source: SwiftSource) -> [Violation] {
        if isAllowed(source.path) { return [] }
        return source.code.occurrences(of: word).map { offset in source.violation(at: offset, "'\(word)': \(reason)") }
    }

    static let all = failures + tasks + clocks + constants + tests

    private static let failures = [
        ForbiddenWord(word: "try!", reason: "a failure is typed and handled, or it is a precondition with its reason"),
        ForbiddenWord(word: "try?", reason: "a failure is handled, not thrown away"),
        ForbiddenWord(word: "fatalError(", reason: "a bug of ours is a precondition with its reason"),
    ]

    private static let tasks = [
        ForbiddenWord(word: "Task.detached", reason: "every task has a parent"),
        ForbiddenWord(word: "Task {", reason: "every task has a parent", isAllowed: { !$0.hasPrefix("Sources/") }),
        ForbiddenWord(word: "print(", reason: "only what talks to people prints", isAllowed: isAtThePeople),
        ForbiddenWord(word: "debugPrint(", reason: "only what talks to people prints"),
    ]

    /// Time is passed in. Timers that wait for so long are not meant: they read no time that anything is decided by.
    private static let clocks = [
        "Date()", "Date.now", "Date(timeIntervalSinceNow", "clock_gettime", "gettimeofday", "time(nil", "ContinuousClock",
        "SuspendingClock", "systemUptime", "CFAbsoluteTimeGetCurrent",
    ].map { word in
        ForbiddenWord(word: word, reason: "time is passed in; no clock is read below the roof", isAllowed: isAtThePeople)
    }

    private static let constants = ["MDB_", "mdb_"].map { word in
        ForbiddenWord(
            word: word, reason: "C constants and functions of LMDB stay in Sources/LMDB", isAllowed: { $0.hasPrefix("Sources/LMDB/") })
    }

    /// A folder of a test goes with it, and its randomness comes again: both are written once.
    private static let tests = [
        "mkdtemp(", "mkstemp(", "NSTemporaryDirectory", "temporaryDirectory", "RandomNumberGenerator", "SystemRandomNumberGenerator",
    ].map { word in
        ForbiddenWord(
            word: word, reason: "a test has its folder and its randomness from TestSupport",
            isAllowed: { !$0.hasPrefix("Tests/") || $0.hasPrefix("Tests/TestSupport/") })
    }

    private static let isAtThePeople: @Sendable (String) -> Bool = { path in
        ["Sources/annalsd/", "Sources/annals/", "Sources/Console/"].contains { path.hasPrefix($0) } || !path.hasPrefix("Sources/")
    }
}

/// A `catch` whatever it catches, with nothing but comments between its braces.
enum EmptyCatch {
    static func violations(in source: SwiftSource) -> [Violation] {
        let code = source.code
        return code.occurrences(of: "catch").filter { offset in
            guard !code.isWord(at: offset + 5), let brace = code[offset...].firstIndex(of: UInt8(ascii: "{")) else { return false }
            let next = code.skippingBlanks(from: brace + 1)
            return next < code.count && code[next] == UInt8(ascii: "}")
        }.map { source.violation(at: $0, "'catch' with nothing in it: a failure is handled, not thrown away") }
    }
}

/// `public` is for those outside of the package: the client's library, and the frames that it speaks in.
enum AccessLevels {
    private static let rooms = ["Sources/AnnalsClient/", "Sources/RESP/"]

    static func violations(in source: SwiftSource) -> [Violation] {
        guard source.path.hasPrefix("Sources/"), !rooms.contains(where: source.path.hasPrefix) else { return [] }
        return source.codeLines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            // A module whose functions are inlined into other rooms must be imported so.
            guard words.contains("public") || words.starts(with: ["open", "class"]), !words.contains("import") else { return nil }
            return Violation(path: source.path, line: index + 1, reason: "'package' is enough here")
        }
    }
}

/// Words that say that something is not done.
enum Postponed {
    static let words = ["TO" + "DO", "FIX" + "ME", "T" + "BD", "X" + "XX"]

    /// In code and comments; strings may speak of them.
    static func violations(in source: SwiftSource) -> [Violation] {
        words.flatMap { word in
            (source.code.occurrences(of: word) + source.comments.occurrences(of: word)).filter { offset in
                !source.code.isWord(at: offset + word.utf8.count) && !source.comments.isWord(at: offset + word.utf8.count)
            }.map { source.violation(at: $0, "'\(word)': do it, or write an issue") }
        }
    }

    /// In a page or a script.
    static func violations(in text: String, path: String) -> [Violation] {
        let bytes = Array(text.utf8)
        return words.flatMap { word in
            bytes.occurrences(of: word).filter { !bytes.isWord(at: $0 + word.utf8.count) }.map { offset in
                let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
                return Violation(path: path, line: line, reason: "'\(word)': do it, or write an issue")
            }
        }
    }
}
