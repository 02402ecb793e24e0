import Events
import Foundation
import Testing

@testable import Vault

@Suite("Escrow")
struct EscrowTests {
    @Test("what is lost is there again: keyring and root key, and every body opens")
    func roundTrip() throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(3)
        let bodies = ids.map { scene.vault.sealed([1, 2, 3], under: $0) }
        #expect(try scene.vault.renewEscrow(now: scene.time))
        try FileManager.default.removeItem(atPath: scene.home.vault)
        try FileManager.default.removeItem(atPath: scene.home.root)

        let opened = try OpenedEscrow(opening: scene.path, with: scene.secret)
        #expect(opened.instance == "an archive" && opened.keys == 3 && opened.madeAt == scene.time)
        try opened.restore(to: scene.home.vault, root: RootKeyFile(scene.home.root))
        for path in [scene.home.keyring, scene.home.root] {
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        }
        let vault = try scene.open(mayBeNew: false)
        #expect(vault.ids == ids)
        for body in bodies { #expect(vault.opened(body) == (.plain, [1, 2, 3])) }
        // What lay there is nobody's that this vault knows.
        #expect(try vault.renewEscrow(now: scene.time))
        #expect(try !vault.renewEscrow(now: scene.time))
    }

    @Test("more keys than a box holds, and names as long as they may be, come back")
    func manyKeys() throws {
        let scene = try EscrowScene()
        let tenant = String(repeating: "t", count: 128)
        let ids = try (0..<3000).map { try scene.vault.make(for: owner(Int32($0), tenant, "c\($0)")) }
        try scene.vault.save()
        _ = try scene.vault.renewEscrow(now: scene.time)
        try OpenedEscrow(opening: scene.path, with: scene.secret).restore(to: scene.home.path + "/again")
        let again = try scene.openAgain()
        #expect(again.ids == ids)
    }

    @Test("it is written when there are keys that it has not, and not otherwise; keys that are not saved are left out")
    func renewal() throws {
        let scene = try EscrowScene()
        #expect(scene.vault.escrowMadeAt == nil)
        #expect(try scene.vault.renewEscrow(now: scene.time))
        #expect(scene.vault.escrowMadeAt == scene.time)
        let first = try bytes(of: scene.path)
        #expect(try !scene.vault.renewEscrow(now: scene.time))
        _ = try scene.vault.make(for: owner())
        #expect(try !scene.vault.renewEscrow(now: scene.time))
        #expect(try bytes(of: scene.path) == first)
        try scene.vault.save()
        #expect(try scene.vault.renewEscrow(now: scene.time))
        #expect(try scene.openEscrow().keys == 1)
        #expect(try scene.files() == ["escrow"])
    }

    @Test("a shred puts another in the place of the old one, which is overwritten, and which opens nothing that is destroyed")
    func shred() throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(3)
        _ = try scene.vault.renewEscrow(now: scene.time)
        // A second name for the old file shows what becomes of its bytes.
        #expect(link(scene.path, scene.path + ".second") == 0)
        var steps: [ShredStep] = []
        try scene.vault.shred([ids[1]]) { steps.append($0) }
        #expect(steps == ShredStep.allCases)
        #expect(try bytes(of: scene.path + ".second").allSatisfy { $0 == 0 })
        #expect(try scene.openEscrow().keys == 2)
        try scene.openEscrow().restore(to: scene.home.path + "/again")
        let again = try scene.openAgain()
        #expect(again.ids == [ids[0], ids[2]])
        #expect(try !scene.vault.renewEscrow(now: scene.time))
    }

    @Test(
        "a shred that a crash cut short is finished with an escrow of what is left, or undone with one of everything",
        arguments: ShredStep.allCases)
    func crash(at step: ShredStep) throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(3)
        _ = try scene.vault.renewEscrow(now: scene.time)
        var crashed: VaultHome?
        try scene.vault.shred([ids[1]]) { reached in
            if reached == step { crashed = Result { try scene.home.copy("crashed") }.value }
        }
        let home = try #require(crashed)
        let escrow = Escrow(home.path + "/elsewhere/escrow", sealedTo: scene.secret.publicKey)
        let isDecided = ![.rootStaged, .keyringWritten, .escrowStaged].contains(step)
        let left = isDecided ? [ids[0], ids[2]] : ids
        for _ in 0..<2 {
            let vault = try home.open(mayBeNew: false, escrow: escrow)
            #expect(vault.ids == left)
            _ = try vault.renewEscrow(now: scene.time)
            #expect(try FileManager.default.contentsOfDirectory(atPath: home.path + "/elsewhere") == ["escrow"])
            #expect(try OpenedEscrow(opening: escrow.path, with: scene.secret).keys == left.count)
        }
    }

    @Test("where the next escrow cannot be written, a shred destroys nothing")
    func shredWithoutRoom() throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let old = try bytes(of: scene.path)
        try FileManager.default.createDirectory(atPath: scene.path + ".new/x", withIntermediateDirectories: true)
        let failed = try failure { try scene.vault.shred([ids[0]]) { _ in } }.map { "\($0)" }
        // Nothing is to be restarted, and a daemon would not start like this.
        #expect(failed?.contains("escrow \(scene.path)") == true && failed?.contains("restart") == false)
        #expect(try scene.vault.ids == ids && bytes(of: scene.path) == old)
        #expect(try failure { _ = try scene.makeKeys(1) } == nil)
        #expect(try failure { _ = try scene.vault.renewEscrow(now: scene.time) } != nil)
        try FileManager.default.removeItem(atPath: scene.path + ".new")
        try scene.vault.shred([ids[0]]) { _ in }
        #expect(try scene.openEscrow().keys == 2)
    }

    @Test("another public key makes another escrow")
    func otherRecipient() throws {
        let scene = try EscrowScene()
        _ = try scene.vault.renewEscrow(now: scene.time)
        let other = try EscrowSecretKey.make(to: scene.home.path + "/other.key")
        let vault = try scene.home.open(escrow: Escrow(scene.path, sealedTo: other.publicKey))
        #expect(try vault.renewEscrow(now: scene.time))
        #expect(try OpenedEscrow(opening: scene.path, with: other).keys == 0)
        let wrong = try failure { _ = try scene.openEscrow() }.map { "\($0)" }
        #expect(wrong?.contains("sealed to the public key \(other.publicKey)") == true)
    }

    @Test("a secret key for everybody, or a text that is none, is refused; a public key is its 64 digits")
    func keys() throws {
        let scene = try EscrowScene()
        let path = scene.home.path + "/secret.key"
        #expect(try EscrowSecretKey(readingFrom: path).publicKey == scene.secret.publicKey)
        let text = "\(scene.secret.publicKey)"
        #expect(EscrowPublicKey(text: text) == scene.secret.publicKey)
        #expect(EscrowPublicKey(text: text.uppercased() + "\n") == scene.secret.publicKey)
        for wrong in ["", "ab", text + "0", String(repeating: "0", count: 64), String(repeating: "g", count: 64)] {
            #expect(EscrowPublicKey(text: wrong) == nil)
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(try failure { _ = try EscrowSecretKey(readingFrom: path) }.map { "\($0)" }?.contains("chmod 600") == true)
        try put(Array("no key".utf8), in: path)
        #expect(try failure { _ = try EscrowSecretKey(readingFrom: path) } != nil)
        #expect(try failure { _ = try EscrowSecretKey(readingFrom: path + "x") } != nil)
    }

    @Test("neither a key nor the secret lies open in it")
    func sealed() throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(1)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let file = Data(try bytes(of: scene.path))
        let key = try #require(scene.vault.withRawKey(ids[0]) { Data($0) })
        let root = try bytes(of: scene.home.root)
        #expect(file.range(of: key) == nil && file.range(of: Data(root.dropLast())) == nil)
        #expect(file.range(of: Data("acme".utf8)) == nil)
    }
}
