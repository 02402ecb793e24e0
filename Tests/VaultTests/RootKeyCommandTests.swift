import Foundation
import Testing

@testable import Vault

@Suite("RootKeyCommand")
struct RootKeyCommandTests {
    @Test("a program keeps the root key, and a shred has it put another in its place")
    func rotates() throws {
        let home = try VaultHome()
        let source = try source(home)
        var vault = try home.open(root: source)
        let ids = try (0..<2).map { try vault.make(for: owner(Int32($0))) }
        try vault.save()
        let before = try bytes(of: home.path + "/current")
        var steps: [ShredStep] = []
        try vault.shred([ids[0]]) { steps.append($0) }
        #expect(steps == ShredStep.withoutEscrow)
        #expect(try bytes(of: home.path + "/current") != before)
        vault = try home.open(mayBeNew: false, root: source)
        #expect(vault.ids == [ids[1]])
    }

    @Test("a program that says no is a failure with its status and the first line of what it complained of, not what it printed")
    func fails() throws {
        let home = try VaultHome()
        let source = try source(home, before: "printf 'secret'; printf 'KMS \\033says no\\nand more' >&2; exit 5")
        let failure = try failure { _ = try home.open(root: source) }
        guard case .command(_, "get", let reason) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(reason == "ended with status 5 and said: KMS ?says no")
    }

    @Test(
        "a program that prints something else than a key, dies or does not start is a failure",
        arguments: [
            ("echo no key", "printed something else"), ("exit 0", "printed something else"), ("yes", "printed more"),
            ("kill -9 $$", "signal 9"),
        ])
    func misbehaves(script: String, expected: String) throws {
        let home = try VaultHome()
        let source = try source(home, before: script)
        #expect(try failure { _ = try home.open(root: source) }.map { "\($0)" }?.contains(expected) == true)
        let missing = RootKeyCommand([home.path + "/nothing"])
        #expect(try failure { _ = try home.open(root: missing) }.map { "\($0)" }?.contains("did not start") == true)
        #expect(try home.files().keys.sorted() == ["program"])
    }

    @Test("a program that takes longer than it may is stopped, whether it holds its output open or not")
    func takesTooLong() throws {
        for script in ["sleep 1000", "exec >&- 2>&-; sleep 1000"] {
            let home = try VaultHome()
            let source = try source(home, before: script, secondsMax: 0)
            #expect(try failure { _ = try home.open(root: source) }.map { "\($0)" }?.contains("took longer than 0 seconds") == true)
        }
    }

    @Test("a program that does not read what it is given, or does not keep it, is a failure, and nothing has happened")
    func doesNotKeep() throws {
        let home = try VaultHome()
        let vault = try home.open(root: source(home))
        let id = try vault.make(for: owner())
        try vault.save()
        _ = try source(home, before: "[ $1 = stage ] && exit 0")
        #expect(try failure { try vault.shred([id]) { _ in } }.map { "\($0)" }?.contains("get-staged") == true)
        #expect(vault.contains(id))
        #expect(try home.open(root: source(home)).contains(id))
    }

    @Test("a shred whose root key could not be adopted has destroyed the keys, and is finished by the next one, or by the next start")
    func adoptsLater() throws {
        for isRestarted in [false, true] {
            let home = try VaultHome()
            let vault = try home.open(root: source(home))
            let ids = try (0..<2).map { try vault.make(for: owner(Int32($0))) }
            try vault.save()
            let old = try bytes(of: home.path + "/current")
            _ = try source(home, before: "[ $1 = adopt ] && exit 9")
            #expect(try failure { try vault.shred([ids[0]]) { _ in } } != nil)
            #expect(try vault.ids == [ids[1]] && bytes(of: home.path + "/current") == old)
            #expect(try failure { _ = try home.open(root: source(home, before: "[ $1 = adopt ] && exit 9")) } != nil)
            let mended = try source(home)
            if isRestarted { _ = try home.open(root: mended) } else { try vault.shred([ids[0]]) { _ in } }
            #expect(try bytes(of: home.path + "/current") != old)
            #expect(try home.files().keys.sorted() == ["current", "program", "vault/keyring"])
            #expect(try home.open(mayBeNew: false, root: mended).ids == [ids[1]])
        }
    }

    @Test("the program gets the environment that it is given, and no other")
    func environment() throws {
        let home = try VaultHome()
        let digits = String(repeating: "5a", count: 32)
        let source = try source(home, before: "echo $KEY$HOME; exit 0", environment: ["KEY=\(digits)"])
        #expect(try source.candidates().current != nil)
    }

    @Test("the program inherits nothing that is open here: neither files nor clients")
    func inheritsNothing() throws {
        let home = try VaultHome()
        // As a library opens what it forgets to close for others.
        let file = Foundation.open("/dev/null", O_RDONLY)
        defer { close(file) }
        let source = try source(home, before: "[ ! -e /proc/self/fd/\(file) ] || exit 8")
        #expect(try source.candidates().current == nil)
    }

    private func source(
        _ home: VaultHome, before: String = "", secondsMax: Int = 30, environment: [String] = ["PATH=/usr/bin:/bin"]
    ) throws -> RootKeyCommand {
        let script = """
            \(before)
            cd '\(home.path)' || exit 1
            case $1 in
            get) [ -f current ] || exit 3; cat current ;;
            get-staged) [ -f staged ] || exit 3; cat staged ;;
            stage) cat > staged ;;
            adopt) [ ! -f staged ] || mv staged current ;;
            *) exit 2 ;;
            esac
            """
        try put(Array(script.utf8), in: home.path + "/program")
        return RootKeyCommand(["/bin/sh", home.path + "/program"], environment: environment, secondsMax: secondsMax)
    }
}
