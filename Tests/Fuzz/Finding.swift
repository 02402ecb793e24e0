import Glibc

/// Ends the process with a sentence when a promise does not hold: libFuzzer keeps the input.
func promise(_ isKept: Bool, _ sentence: @autoclosure () -> String, line: Int = #line) {
    if isKept { return }
    let text = "broken promise (line \(line)): \(sentence())\n"
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    abort()
}

/// The result, or nil for a failure: what is fuzzed may refuse its input, as long as it says so.
func attempt<Result>(_ body: () throws -> Result) -> Result? {
    do { return try body() } catch { return nil }
}

/// For what cannot fail unless the fuzzing machine does.
func certain<Result>(_ body: () throws -> Result) -> Result {
    do { return try body() } catch {
        promise(false, "what must work failed: \(error)")
        abort()
    }
}
