import Foundation
import Testing

@testable import Vault

@Suite("RootKeyFile")
struct RootKeyFileTests {
    @Test("is 64 hexadecimal digits and a newline, and an existing one is used")
    func format() throws {
        let home = try VaultHome()
        try put(Array(String(repeating: "0123456789abcdef", count: 4).utf8), in: home.root, mode: 0o400)
        _ = try home.open()
        #expect(try bytes(of: home.root).count == 64)
        let other = try VaultHome()
        _ = try other.open()
        let text = try bytes(of: other.root)
        #expect(
            text.count == 65 && text.last == UInt8(ascii: "\n") && text.dropLast().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit })
    }

    @Test("that others may use is refused, with what to do", arguments: [0o644, 0o640, 0o604, 0o660, 0o700, 0o4600])
    func modes(mode: Int) throws {
        let home = try VaultHome()
        _ = try home.open()
        let before = try home.files()
        #expect(chmod(home.root, mode_t(mode)) == 0)
        let sentence = try failure { _ = try home.open() }.map { "\($0)" }
        #expect(sentence?.contains("chmod 600 \(home.root)") == true)
        #expect(try home.files() == before)
        for mode in [0o400, 0o600] as [mode_t] {
            #expect(chmod(home.root, mode) == 0)
            _ = try home.open()
        }
    }

    @Test("that is a symbolic link, a folder or a pipe is refused")
    func kinds() throws {
        let home = try VaultHome()
        _ = try home.open()
        let other = home.path + "/other"
        try FileManager.default.moveItem(atPath: home.root, toPath: other)
        #expect(symlink(other, home.root) == 0)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("symbolic link") == true)
        #expect(unlink(home.root) == 0)
        #expect(mkfifo(home.root, 0o600) == 0)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("no regular file") == true)
        #expect(unlink(home.root) == 0)
        #expect(mkdir(home.root, 0o700) == 0)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("no regular file") == true)
    }

    @Test("that belongs to somebody else is refused", .enabled(if: geteuid() == 0))
    func owners() throws {
        let home = try VaultHome()
        _ = try home.open()
        #expect(chown(home.root, 12345, 12345) == 0)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("belongs to user 12345") == true)
    }

    @Test(
        "that holds no key is refused, and never overwritten",
        arguments: [
            "", "abc\n", String(repeating: "g", count: 64) + "\n", String(repeating: "0", count: 64) + "\n",
            String(repeating: "a", count: 64) + "\n\n", String(repeating: "a", count: 66), String(repeating: "a", count: 64) + "b",
        ])
    func noKey(text: String) throws {
        let home = try VaultHome()
        try put(Array(text.utf8), in: home.root)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("is no root key") == true)
        #expect(try home.files() == ["root.key": Array(text.utf8)])
    }

    @Test("keeps its mode when it is replaced")
    func keepsMode() throws {
        let home = try VaultHome()
        let vault = try home.open()
        let id = try vault.make(for: owner())
        try vault.save()
        #expect(chmod(home.root, 0o400) == 0)
        let before = try bytes(of: home.root)
        try vault.shred([id]) { _ in }
        #expect(try bytes(of: home.root) != before)
        #expect(try FileManager.default.attributesOfItem(atPath: home.root)[.posixPermissions] as? Int == 0o400)
        _ = try home.open()
    }

    @Test("a staged one that is torn is nothing to anybody")
    func tornStaged() throws {
        let home = try VaultHome()
        _ = try home.open()
        try put(Array("0123".utf8), in: home.root + ".new")
        _ = try home.open()
        #expect(try home.files().keys.sorted() == ["root.key", "vault/keyring"])
    }

    @Test("adopted twice, the second time changes nothing")
    func adoptedTwice() throws {
        let home = try VaultHome()
        _ = try home.open()
        let source = RootKeyFile(home.root)
        try source.stage(RootKey.random())
        try source.adopt {}
        let adopted = try bytes(of: home.root)
        try source.adopt { Issue.record("overwritten") }
        #expect(try bytes(of: home.root) == adopted)
    }
}
