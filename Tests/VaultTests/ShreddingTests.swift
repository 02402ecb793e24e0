import Events
import Foundation
import Testing

@testable import Vault

@Suite("Shredding")
struct ShreddingTests {
    @Test("destroys what was sealed under the keys, and leaves the rest")
    func destroys() throws {
        let scene = try Scene()
        var steps: [ShredStep] = []
        try scene.vault.shred(scene.dead) { steps.append($0) }
        #expect(steps == ShredStep.withoutEscrow)
        try scene.checkAfter(scene.vault, in: scene.home)
        try scene.checkAfter(scene.home.open(), in: scene.home)
    }

    @Test("cut short by a crash at any boundary, it has wholly happened or not at all", arguments: ShredStep.withoutEscrow)
    func crash(at step: ShredStep) throws {
        let scene = try Scene()
        var crashed: VaultHome?
        try scene.vault.shred(scene.dead) { reached in
            if reached == step { crashed = Result { try scene.home.copy("crashed") }.value }
        }
        let home = try #require(crashed)
        let isDecided = step != .rootStaged && step != .keyringWritten
        // The second time there is nothing left to finish.
        for _ in 0..<2 {
            let vault = try home.open(mayBeNew: false)
            try isDecided ? scene.checkAfter(vault, in: home) : scene.checkBefore(vault, in: home)
        }
        try home.open().shred(scene.dead) { _ in }
        try scene.checkAfter(home.open(), in: home)
    }

    @Test("cut short between the keyring's two names, it leaves the keyring alone")
    func twoNames() throws {
        let scene = try Scene()
        #expect(link(scene.home.keyring, scene.home.keyring + ".old") == 0)
        try scene.checkBefore(scene.home.open(), in: scene.home)
    }

    @Test("makes older copies of the keyring useless, whichever root key is there")
    func oldCopies() throws {
        let scene = try Scene()
        let old = try bytes(of: scene.home.keyring)
        var copies: [VaultHome] = []
        try scene.vault.shred(scene.dead) { _ in }
        copies.append(try scene.home.copy("after"))
        try scene.vault.shred([scene.survivors[0]]) { step in
            if step == .keyringWritten { copies += Result { [try scene.home.copy("with two roots")] }.value ?? [] }
        }
        #expect(copies.count == 2)
        for home in copies {
            try put(old, in: home.keyring)
            #expect(try failure { _ = try home.open() } == .wrongRootKey(keyring: home.keyring, place: home.root))
        }
    }

    @Test("never gives an id again, neither of a dead key nor of one that was never saved")
    func idsNeverReused() throws {
        let scene = try Scene()
        let last = try scene.vault.make(for: owner(5))
        try scene.vault.shred(Set(scene.vault.ids)) { _ in }
        let vault = try scene.home.open()
        #expect(vault.count == 0)
        #expect(try vault.make(for: owner()) > last)
    }

    @Test("takes keys with it into the new keyring that were not saved")
    func unsavedSurvive() throws {
        let scene = try Scene()
        let id = try scene.vault.make(for: owner(7))
        let stored = scene.vault.sealed([7], under: id)
        try scene.vault.shred(scene.dead) { _ in }
        #expect(!scene.vault.hasUnsaved)
        #expect(try scene.home.open().opened(stored) == (.plain, [7]))
    }

    @Test("of keys that are not there, or of none, changes nothing")
    func nothing() throws {
        let scene = try Scene()
        let before = try scene.home.files()
        for ids in [[], [KeyID(99)]] as [Set<KeyID>] {
            try scene.vault.shred(ids) { Issue.record("reached \($0)") }
        }
        #expect(try scene.home.files() == before)
    }

    @Test("new keys are appended to the new keyring")
    func appendsAfterwards() throws {
        let scene = try Scene()
        try scene.vault.shred(scene.dead) { _ in }
        let id = try scene.vault.make(for: owner())
        try scene.vault.save()
        #expect(try scene.home.open().ids == scene.survivors + [id])
    }

    @Test("keeps no reader waiting: at every boundary bodies are sealed and opened, those of dying keys until the end")
    func readersGoOn() throws {
        let scene = try Scene()
        try scene.vault.shred(scene.dead) { step in
            #expect(scene.vault.opened(scene.vault.sealed([1], under: scene.survivors[0])) == (.plain, [1]))
            for id in scene.dead { #expect(scene.vault.opened(scene.bodies[id]!).0 == (step == .keysWiped ? .noKey : .plain)) }
        }
    }

    @Test("while threads seal, open and make keys, nothing is lost")
    func threads() async throws {
        let scene = try Scene()
        let vault = scene.vault
        let made = try await withThrowingTaskGroup(of: [KeyID].self) { group in
            for number in 0..<4 {
                group.addTask {
                    try (0..<50).map { round in
                        let body = [UInt8](repeating: UInt8(round), count: 300)
                        let stored = vault.sealed(body, under: scene.survivors[round % 2])
                        #expect(vault.opened(stored) == (.plain, body))
                        let id = try vault.make(for: owner(Int32(100 + number)))
                        if round % 10 == 0 { try vault.save() }
                        return id
                    }
                }
            }
            try vault.shred(scene.dead) { _ in }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try vault.save()
        #expect(Set(made).count == 200)
        #expect(try scene.home.open().ids == (scene.survivors + made).sorted())
    }

    @Test("that fails before the new keyring is in its place has not happened")
    func failsBefore() throws {
        let scene = try Scene()
        try FileManager.default.createDirectory(atPath: scene.home.keyring + ".old/x", withIntermediateDirectories: true)
        #expect(try failure { try scene.vault.shred(scene.dead) { _ in } } != nil)
        try FileManager.default.removeItem(atPath: scene.home.keyring + ".old")
        try scene.checkBefore(scene.vault, in: scene.home, mayHaveLeftovers: true)
        try scene.checkBefore(scene.home.open(), in: scene.home)
        try scene.vault.shred(scene.dead) { _ in }
        try scene.checkAfter(scene.home.open(), in: scene.home)
    }
}

/// Four keys with a body each, two of which are to die.
private struct Scene {
    let home: VaultHome
    let vault: Vault
    let dead: Set<KeyID>
    let survivors: [KeyID]
    let bodies: [KeyID: [UInt8]]
    /// The first root key's text.
    private let rootText: [UInt8]

    init() throws {
        home = try VaultHome()
        let vault = try home.open()
        let ids = try (0..<4).map { try vault.make(for: owner(Int32($0))) }
        try vault.save()
        self.vault = vault
        (dead, survivors) = ([ids[0], ids[2]], [ids[1], ids[3]])
        bodies = Dictionary(uniqueKeysWithValues: ids.map { ($0, vault.sealed([1, 2, 3], under: $0)) })
        rootText = Array(try bytes(of: home.root).dropLast())
    }

    func checkBefore(_ vault: Vault, in home: VaultHome, mayHaveLeftovers: Bool = false) throws {
        #expect(vault.ids == (survivors + dead).sorted())
        for (_, body) in bodies { #expect(vault.opened(body) == (.plain, [1, 2, 3])) }
        if !mayHaveLeftovers { #expect(try home.files().keys.sorted() == ["root.key", "vault/keyring"]) }
    }

    func checkAfter(_ vault: Vault, in home: VaultHome) throws {
        #expect(vault.ids == survivors)
        for (id, body) in bodies { #expect(vault.opened(body).0 == (dead.contains(id) ? .noKey : .plain)) }
        let files = try home.files()
        #expect(files.keys.sorted() == ["root.key", "vault/keyring"])
        for (name, file) in files {
            #expect(Data(file).range(of: Data(rootText)) == nil, "the old root key is in \(name)")
        }
    }
}
