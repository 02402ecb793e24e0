import Events
import Foundation
import Testing

@testable import Vault

@Suite("Opened escrow")
struct OpenedEscrowTests {
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
}
