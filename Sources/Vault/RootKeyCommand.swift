/// A root key that an external program keeps (a KMS, a TPM). The program is called with one more argument:
///
/// - `get` prints the current key, 64 hexadecimal digits; `get-staged` the staged one. Exit status 3: there is none.
/// - `stage` reads a key from its standard input, 64 hexadecimal digits and a newline, and keeps it beside the current one, durably.
/// - `adopt` makes the staged key the current one and destroys the one before, durably. With nothing staged it does nothing, and ends with 0.
///
/// A staged key that is never adopted stays until the next one is staged.
package struct RootKeyCommand: RootKeySource {
    private let program: Program

    private static let statusOfNone: CInt = 3

    /// - Parameters:
    ///   - words: the program's path and its first arguments. No shell reads them.
    ///   - environment: the program's, as `NAME=value`. Nothing else is inherited.
    package init(
        _ words: [String], environment: [String] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        secondsMax: Int = 30
    ) {
        precondition(!words.isEmpty, "because without words there is no program to call")
        program = Program(words: words, environment: environment, secondsMax: secondsMax)
    }

    package var place: String { "the program \(program.path)" }

    package func candidates() throws(VaultFailure) -> RootKeyCandidates {
        RootKeyCandidates(current: try key("get"), staged: try key("get-staged"))
    }

    private func key(_ step: String) throws(VaultFailure) -> RootKey? {
        let ending = try program.run(step, input: nil)
        // Whoever prints something has a key, whatever else he says.
        if ending.status == Self.statusOfNone, unsafe ending.output.isEmpty { return nil }
        if ending.status != Self.statusOfNone { try check(ending, of: step) }
        guard let key = try unsafe HexKey.decode(ending.output) else {
            throw .command(
                program: program.path, step: step, reason: "printed something else than \(HexKey.digits) hexadecimal digits and a newline")
        }
        return key
    }

    package func stage(_ key: RootKey) throws(VaultFailure) {
        try check(program.run("stage", input: key), of: "stage")
        // A program that says yes and keeps nothing would take the whole archive with it.
        guard try self.key("get-staged")?.id == key.id else {
            throw .command(program: program.path, step: "get-staged", reason: "did not print the key that was staged")
        }
    }

    package func adopt(overwritten: () -> Void) throws(VaultFailure) {
        try check(program.run("adopt", input: nil), of: "adopt")
        overwritten()
    }

    package func forgetStaged() throws(VaultFailure) {}

    private func check(_ ending: borrowing Program.Ending, of step: String) throws(VaultFailure) {
        if ending.status != 0 {
            let said = ending.complaint.isEmpty ? "" : " and said: \(ending.complaint)"
            throw .command(program: program.path, step: step, reason: "ended with status \(ending.status)\(said)")
        }
    }
}
