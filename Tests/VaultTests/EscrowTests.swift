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

    @Test("where the escrow is not the one that was made last, a shred destroys nothing", arguments: Displacement.allCases, [false, true])
    func shredWithoutTheEscrow(_ displacement: Displacement, isMidway: Bool) throws {
        let scene = try EscrowScene()
        _ = try scene.vault.renewEscrow(now: scene.time)
        let early = try bytes(of: scene.path)
        let ids = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let old = try bytes(of: scene.path)
        if !isMidway { try displacement.displace(scene, early) }
        let failed = try failure {
            try scene.vault.shred([ids[0]]) { step in
                if step == .escrowStaged, isMidway { Result { try displacement.displace(scene, early) }.value }
            }
        }
        #expect(failed.map { "\($0)".contains(scene.path) } == true)
        #expect(scene.vault.ids == ids)
        #expect(try failure { _ = try scene.makeKeys(1) } == nil)

        try displacement.putBack(scene, old)
        try scene.vault.shred([ids[0]]) { _ in }
        #expect(try scene.openEscrow().keys == 2)
        #expect(try scene.files() == ["escrow"])
    }

    @Test("a shred is not at its end while the old escrow, or the next one, is gone", arguments: ["", ".new"])
    func goneAfterTheSwap(_ suffix: String) throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let failed = try failure {
            try scene.vault.shred([ids[0]]) { step in
                if step == .keyringSwapped { Result { try scene.move("escrow" + suffix, "away") }.value }
            }
        }
        #expect(failed != nil)
        try scene.move("away", "escrow" + suffix)
        try scene.vault.shred([ids[0]]) { _ in }
        #expect(try failure { try scene.vault.shred([ids[1]]) { _ in } } == nil)
        #expect(try scene.openEscrow().keys == 0)
    }

    @Test("a vault whose escrow is gone is not opened until somebody says that it is lost")
    func goneAtTheStart() throws {
        let scene = try EscrowScene()
        _ = try scene.makeKeys(1)
        _ = try scene.vault.renewEscrow(now: scene.time)
        try scene.move("escrow", "away")
        let note = scene.home.vault + "/escrowed"
        let failed = try failure { _ = try scene.open(mayBeNew: false) }.map { "\($0)" }
        #expect(failed?.contains(scene.path) == true && failed?.contains(note) == true)
        try scene.move("away", "escrow")
        #expect(try !scene.open(mayBeNew: false).renewEscrow(now: scene.time))
        try scene.move("escrow", "away")
        try FileManager.default.removeItem(atPath: note)
        #expect(try scene.open(mayBeNew: false).renewEscrow(now: scene.time))
        #expect(try scene.openEscrow().keys == 1)
    }

    @Test("a damaged escrow is found at the next look, and written anew", arguments: Damage.allCases)
    func damageIsMended(_ damage: Damage) throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        try damage.befall(scene.path)
        #expect(try scene.vault.renewEscrow(now: scene.time))
        #expect(try scene.openEscrow().keys == 2)
        #expect(try !scene.vault.renewEscrow(now: scene.time))
        try damage.befall(scene.path)
        try scene.vault.shred([ids[0]]) { _ in }
        #expect(try scene.openEscrow().keys == 1)
        #expect(try scene.files() == ["escrow"])
    }

    @Test("at the start a changed byte is found, wherever it is, and the escrow written anew")
    func anyByte() throws {
        let scene = try EscrowScene()
        _ = try scene.makeKeys(1)
        _ = try scene.vault.renewEscrow(now: scene.time)
        for offset in stride(from: 0, to: try bytes(of: scene.path).count, by: 5) {
            var changed = try bytes(of: scene.path)
            changed[offset] ^= UInt8(1 << (offset % 8))
            try put(changed, in: scene.path)
            #expect(try scene.open(mayBeNew: false).renewEscrow(now: scene.time), "byte \(offset)")
            #expect(try scene.openEscrow().keys == 1)
            #expect(try !scene.open(mayBeNew: false).renewEscrow(now: scene.time))
        }
    }

    @Test("an escrow that somebody deletes is written anew, but no key is destroyed until somebody says that it is lost")
    func deleted() throws {
        let scene = try EscrowScene()
        let ids = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        try FileManager.default.removeItem(atPath: scene.path)
        #expect(try scene.vault.renewEscrow(now: scene.time))
        #expect(try scene.openEscrow().keys == 2)
        for vault in try [scene.vault, scene.open(mayBeNew: false)] {
            #expect(try !vault.renewEscrow(now: scene.time))
            let failed = try failure { try vault.shred([ids[0]]) { _ in } }.map { "\($0)" }
            #expect(failed?.contains(scene.home.vault + "/escrowed") == true)
            #expect(vault.ids == ids)
        }
        try FileManager.default.removeItem(atPath: scene.home.vault + "/escrowed")
        let vault = try scene.open(mayBeNew: false)
        _ = try vault.renewEscrow(now: scene.time)
        try vault.shred([ids[0]]) { _ in }
        #expect(try scene.openEscrow().keys == 1)
    }

    @Test("nothing is written to another folder in the place of the escrow's")
    func unmounted() throws {
        let scene = try EscrowScene()
        _ = try scene.makeKeys(1)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let old = try bytes(of: scene.path)
        try Displacement.anotherFolder.displace(scene, old)
        #expect(try failure { _ = try scene.vault.renewEscrow(now: scene.time) } != nil)
        #expect(try scene.files() == [])
        try Displacement.anotherFolder.putBack(scene, old)
        #expect(try !scene.vault.renewEscrow(now: scene.time))
    }

    @Test("a file that is none of this vault's, or has newer keys, is not replaced, and the vault stays as it is")
    func notReplaced() throws {
        let scene = try EscrowScene()
        let early = try bytes(of: scene.home.keyring)
        _ = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let escrow = try bytes(of: scene.path)

        try put(early, in: scene.home.keyring)
        #expect(try failure { _ = try scene.open(mayBeNew: false) }.map { "\($0)" }?.contains("newer keys") == true)
        let other = try VaultHome()
        #expect(
            try failure { _ = try other.open(instance: "another", escrow: scene.escrow) }.map { "\($0)" }?.contains("archive an archive")
                == true)
        #expect(try bytes(of: scene.path) == escrow)
        try put(Array("a thesis".utf8), in: scene.path)
        #expect(try failure { _ = try scene.open(mayBeNew: false) }.map { "\($0)" }?.contains("no escrow") == true)
        #expect(try bytes(of: scene.path) == Array("a thesis".utf8))
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

    @Test("a changed or missing byte is refused, and nothing is restored")
    func damaged() throws {
        let scene = try EscrowScene()
        _ = try scene.makeKeys(1)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let whole = try bytes(of: scene.path)
        for offset in whole.indices {
            var changed = whole
            changed[offset] ^= UInt8(1 << (offset % 8))
            try put(changed, in: scene.path)
            #expect(try failure { _ = try scene.openEscrow() } != nil, "byte \(offset)")
            try put(Array(whole[..<offset]), in: scene.path)
            #expect(try failure { _ = try scene.openEscrow() } != nil, "\(offset) bytes")
        }
    }

    @Test("an escrow is of a time that can be written, or refused", arguments: [.min, -1, Instant.distantFuture.milliseconds + 1, .max])
    func unwritableTime(_ milliseconds: Int64) throws {
        let scene = try EscrowScene()
        _ = try scene.vault.renewEscrow(now: Instant(milliseconds: milliseconds))
        #expect(try scene.openEscrow().madeAt.isWritable)
        var forged = try bytes(of: scene.path)
        forged.replaceSubrange(12..<20, with: KeyringHeader.bytes(milliseconds))
        try put(forged, in: scene.path)
        // A vault that knows nothing of it has nothing but the head to go by.
        try FileManager.default.removeItem(atPath: scene.home.vault + "/escrowed")
        #expect(try failure { _ = try scene.open(mayBeNew: false) }.map { "\($0)" }?.contains("damaged") == true)
    }

    @Test("nothing is written over: neither a keyring, nor a root key, nor a secret key")
    func writesNothingOver() throws {
        let scene = try EscrowScene()
        _ = try scene.vault.renewEscrow(now: scene.time)
        let before = try scene.home.files()
        let opened = try scene.openEscrow()
        #expect(try failure { try opened.restore(to: scene.home.vault) }.map { "\($0)" }?.contains("is there already") == true)
        let held = try failure { try opened.restore(to: scene.home.path + "/again", root: RootKeyFile(scene.home.root)) }.map { "\($0)" }
        #expect(held?.contains("holds a root key already") == true)
        #expect(try failure { _ = try EscrowSecretKey.make(to: scene.home.path + "/secret.key") } != nil)
        #expect(try scene.home.files() == before)
    }

    @Test(
        "an escrow that somebody else sealed is refused when its keyring is none: a key id twice, or one after which no other fits",
        arguments: [[7, 7], [.max], [1 << 63]] as [[UInt64]], [false, true])
    func forged(_ ids: [UInt64], givesUpLaterKeys: Bool) throws {
        let scene = try EscrowScene()
        let root = try RootKey.random()
        let entries = try ids.map { KeyringBox.Entry(id: KeyID($0), owner: try owner()) }
        let image = try Keyring.Image(of: entries, nextKey: KeyID(8), under: root, instance: "an archive") { _, room in
            room.initializeMemory(as: UInt8.self, repeating: 7)
        }
        try scene.escrow.adopt(try scene.escrow.stage(image, root: root, now: scene.time)) {}
        let opened = try scene.openEscrow()
        let folder = scene.home.path + "/again"
        #expect(try failure { try opened.restore(to: folder, givesUpLaterKeys: givesUpLaterKeys) } != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test("numbers in a head that leave no room for later keys are refused", arguments: [1 << 62 + 1, 1 << 63, .max] as [UInt64])
    func noRoomForLaterKeys(_ nextKey: UInt64) throws {
        let scene = try EscrowScene()
        let root = try RootKey.random()
        let image = try Keyring.Image(of: [], nextKey: KeyID(nextKey), under: root, instance: "an archive") { _, _ in }
        _ = try scene.escrow.stage(image, root: root, now: scene.time)
        try scene.move("escrow.new", "escrow")
        #expect(try failure { try scene.openEscrow().restore(to: scene.home.path + "/again", givesUpLaterKeys: true) } != nil)
    }

    @Test("a restoring that fails leaves nothing behind, and works when it is tried again", arguments: [false, true])
    func restoringTwice(givesUpLaterKeys: Bool) throws {
        let scene = try EscrowScene()
        _ = try scene.makeKeys(2)
        _ = try scene.vault.renewEscrow(now: scene.time)
        let opened = try scene.openEscrow()
        let folder = scene.home.path + "/again"
        let nowhere = RootKeyFile(scene.home.path + "/nowhere/root.key")
        #expect(try failure { try opened.restore(to: folder, root: nowhere, givesUpLaterKeys: givesUpLaterKeys) } != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        try opened.restore(to: folder, givesUpLaterKeys: givesUpLaterKeys)
        #expect(try scene.openAgain().count == 2)
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

/// A vault with an escrow beside it, and the key that opens that.
private struct EscrowScene {
    let home: VaultHome
    let escrow: Escrow
    let secret: EscrowSecretKey
    let vault: Vault
    let time = Instant(milliseconds: 1_795_416_138_000)

    var path: String { home.path + "/elsewhere/escrow" }

    init() throws {
        home = try VaultHome()
        try FileManager.default.createDirectory(atPath: home.path + "/elsewhere", withIntermediateDirectories: false)
        secret = try EscrowSecretKey.make(to: home.path + "/secret.key")
        escrow = Escrow(home.path + "/elsewhere/escrow", sealedTo: secret.publicKey)
        vault = try home.open(escrow: escrow)
    }

    func open(mayBeNew: Bool) throws(VaultFailure) -> Vault { try home.open(mayBeNew: mayBeNew, escrow: escrow) }

    func openEscrow() throws(VaultFailure) -> OpenedEscrow { try OpenedEscrow(opening: path, with: secret) }

    /// What was restored beside it.
    func openAgain() throws(VaultFailure) -> Vault {
        let folder = home.path + "/again"
        return try Vault.open(folder: folder, instance: "an archive", root: RootKeyFile(folder + "/root.key"), mayBeNew: false)
    }

    func makeKeys(_ count: Int) throws -> [KeyID] {
        let ids = try (0..<count).map { try vault.make(for: owner(Int32($0))) }
        try vault.save()
        return ids
    }

    func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: home.path + "/elsewhere").sorted() }

    func move(_ name: String, _ other: String) throws {
        try FileManager.default.moveItem(atPath: home.path + "/elsewhere/" + name, toPath: home.path + "/elsewhere/" + other)
    }
}

/// What may happen to the bytes of an escrow.
enum Damage: CaseIterable {
    case cutShort, longer, overwritten, otherHead, noHead

    fileprivate func befall(_ path: String) throws {
        var bytes = try bytes(of: path)
        switch self {
        case .cutShort: bytes.removeLast(40)
        case .longer: bytes.append(0)
        case .overwritten: bytes = bytes.map { _ in 0 }
        case .otherHead: bytes[12] ^= 0x80
        case .noHead: bytes.replaceSubrange(..<16, with: repeatElement(0xFF, count: 16))
        }
        try put(bytes, in: path)
    }
}

/// What else may lie in the escrow's place.
enum Displacement: CaseIterable {
    case nothing, anotherFolder, anOlderOne

    fileprivate func displace(_ scene: EscrowScene, _ early: [UInt8]) throws {
        let folder = scene.home.path + "/elsewhere"
        switch self {
        case .nothing: try FileManager.default.removeItem(atPath: scene.path)
        case .anotherFolder:
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".unmounted")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        case .anOlderOne: try put(early, in: scene.path)
        }
    }

    fileprivate func putBack(_ scene: EscrowScene, _ old: [UInt8]) throws {
        let folder = scene.home.path + "/elsewhere"
        guard self == .anotherFolder else { return try put(old, in: scene.path) }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: folder + ".unmounted", toPath: folder)
    }
}
