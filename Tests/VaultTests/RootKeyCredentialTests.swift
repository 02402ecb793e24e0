import Foundation
import Testing

@testable import Vault

@Suite("RootKeyCredential")
struct RootKeyCredentialTests {
    @Test("a root key is sealed in its file, replaced by a shred, and opened by its credential alone")
    func rotates() throws {
        let home = try VaultHome()
        let source = try source(home, Array(0..<32))
        var vault = try home.open(root: source)
        let ids = try (0..<2).map { try vault.make(for: owner(Int32($0))) }
        try vault.save()
        let before = try bytes(of: home.root)
        try vault.shred([ids[0]]) { _ in }
        let after = try bytes(of: home.root)
        #expect(before != after && before.count == after.count)
        vault = try home.open(mayBeNew: false, root: source)
        #expect(vault.ids == [ids[1]])
        try put(Array(1...32), in: home.path + "/credential", mode: 0o400)
        let files = try home.files()
        #expect(try failure { _ = try home.open(root: source) }.map { "\($0)" }?.contains("sealed under the credential") == true)
        #expect(try home.files() == files)
    }

    @Test("every changed byte of the sealed key is refused")
    func everyByte() throws {
        let home = try VaultHome()
        let source = try source(home, Array(repeating: 3, count: 100))
        _ = try home.open(root: source)
        let whole = try bytes(of: home.root)
        for offset in whole.indices {
            var changed = whole
            changed[offset] ^= 1
            try put(changed, in: home.root)
            #expect(try failure { _ = try home.open(root: source) } != nil, "byte \(offset)")
        }
    }

    @Test("a credential that is missing, too short or too long is refused")
    func credentials() throws {
        let home = try VaultHome()
        let path = home.path + "/credential"
        let missing = RootKeyCredential(directory: home.path, name: "credential", file: home.root)
        #expect(try failure { _ = try home.open(root: missing) } == .missing(what: "credential", path: path))
        for count in [0, 31, 1 << 16 + 1] {
            let source = try source(home, Array(repeating: 1, count: count))
            #expect(try failure { _ = try home.open(root: source) }.map { "\($0)" }?.contains("32 random bytes") == true)
        }
        #expect(try home.files().keys.sorted() == ["credential"])
    }

    @Test("cut short by a crash at any boundary, a shred is finished or undone", arguments: ShredStep.withoutEscrow)
    func crash(at step: ShredStep) throws {
        let home = try VaultHome()
        let source = try source(home, Array(0..<32))
        let vault = try home.open(root: source)
        let id = try vault.make(for: owner())
        try vault.save()
        var files: [String: [UInt8]] = [:]
        try vault.shred([id]) { reached in
            if reached == step { files = Result { try home.files() }.value ?? [:] }
        }
        try FileManager.default.removeItem(atPath: home.path)
        try FileManager.default.createDirectory(atPath: home.vault, withIntermediateDirectories: true)
        for (name, file) in files { try put(file, in: home.path + "/" + name) }
        let isBefore = step == .rootStaged || step == .keyringWritten
        #expect(try home.open(mayBeNew: false, root: source).contains(id) == isBefore)
        #expect(try home.files().keys.sorted() == ["credential", "root.key", "vault/keyring"])
    }

    private func source(_ home: VaultHome, _ credential: [UInt8]) throws -> RootKeyCredential {
        try put(credential, in: home.path + "/credential", mode: 0o600)
        return RootKeyCredential(directory: home.path, name: "credential", file: home.root)
    }
}
