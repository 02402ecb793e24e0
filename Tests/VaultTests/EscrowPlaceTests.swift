import Events
import Foundation
import Testing

@testable import Vault

@Suite("What lies at the escrow's place")
struct EscrowPlaceTests {
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

    @Test("a note of escrows that is cut within a digest, or goes on behind its end, is none, though its own sum is right")
    func notesOfOtherLengths() throws {
        let scene = try EscrowScene()
        let path = scene.home.path + "/note"
        let header = EscrowHeader(
            madeAt: scene.time, recipient: scene.secret.publicKey, root: try RootKey.random().id, nextKey: KeyID(2), keys: 1,
            keyringBytes: 300, instance: "an archive")
        let note = EscrowNote(known: EscrowMark(header: header, digest: EscrowMark.unread), next: nil, lost: nil)
        let content = note.encoded.dropLast(Escrow.digestBytes)
        try put(content + Escrow.digest(Array(content)), in: path)
        #expect(try EscrowNote(readingFrom: path) == note)
        // The last byte says that there is no next escrow, so one byte less is missing of the digest.
        for other in [content + [0], content.dropLast(2) + [0], content.dropLast(20) + [0]].map(Array.init) {
            try put(other + Escrow.digest(other), in: path)
            #expect(throws: VaultFailure.self, "\(other.count) of \(content.count) bytes") { _ = try EscrowNote(readingFrom: path) }
        }
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
}

/// What may happen to the bytes of an escrow.
enum Damage: CaseIterable {
    case cutShort, longer, overwritten, otherHead, noHead

    func befall(_ path: String) throws {
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

    func displace(_ scene: EscrowScene, _ early: [UInt8]) throws {
        let folder = scene.home.path + "/elsewhere"
        switch self {
        case .nothing: try FileManager.default.removeItem(atPath: scene.path)
        case .anotherFolder:
            try FileManager.default.moveItem(atPath: folder, toPath: folder + ".unmounted")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        case .anOlderOne: try put(early, in: scene.path)
        }
    }

    func putBack(_ scene: EscrowScene, _ old: [UInt8]) throws {
        let folder = scene.home.path + "/elsewhere"
        guard self == .anotherFolder else { return try put(old, in: scene.path) }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: folder + ".unmounted", toPath: folder)
    }
}
