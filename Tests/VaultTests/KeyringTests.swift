import Events
import Foundation
import Testing

@testable import Vault

@Suite("Keyring")
struct KeyringTests {
    @Test("keys that were saved are there again, with their owners and what they sealed; others are not")
    func reopened() throws {
        let home = try VaultHome()
        let owners = [try owner(), try owner(-1, "ünï"), try owner(1, "acme", "room 1"), try owner(2)]
        var vault = try home.open()
        #expect(!vault.hasUnsaved)
        var ids = try owners[..<2].map { try vault.make(for: $0) }
        #expect(vault.hasUnsaved)
        try vault.save()
        #expect(!vault.hasUnsaved)
        ids += try owners[2...].map { try vault.make(for: $0) }
        try vault.save()
        let stored = ids.map { vault.sealed([1, 2, 3], under: $0) }
        let lost = try vault.make(for: owners[0])
        let lostBody = vault.sealed([1, 2, 3], under: lost)

        vault = try home.open(mayBeNew: false)
        #expect(ids == [1, 2, 3, 4].map { KeyID($0) })
        #expect(vault.ids == ids && vault.allKeys.map(\.owner) == owners && vault.count == 4)
        #expect(vault.keys(of: 1).map(\.id) == [ids[0], ids[2]])
        #expect(stored.allSatisfy { vault.opened($0) == (.plain, [1, 2, 3]) })
        #expect(!vault.contains(lost) && vault.owner(of: lost) == nil && vault.opened(lostBody).0 == .noKey)
        #expect(vault.owner(of: ids[2]) == owners[2])
    }

    @Test("the newest key of an owner is the last one that is not retired")
    func newest() throws {
        let vault = try VaultHome().open()
        let ids = try (0..<3).map { _ in try vault.make(for: owner()) }
        _ = try vault.make(for: owner(1, "acme", "room"))
        #expect(vault.newest(of: try owner(), except: []) == ids[2])
        #expect(vault.newest(of: try owner(), except: [ids[2], ids[0]]) == ids[1])
        #expect(vault.newest(of: try owner(), except: Set(ids)) == nil)
        #expect(vault.newest(of: try owner(2), except: []) == nil)
    }

    @Test("more keys than a box holds are there again, appended and rewritten")
    func manyKeys() throws {
        let home = try VaultHome()
        let tenant = String(repeating: "t", count: 128)
        var vault = try home.open()
        let dead = try vault.make(for: owner())
        let ids = try (0..<5000).map { try vault.make(for: owner(Int32($0), tenant, "c\($0)")) }
        try vault.save()
        vault = try home.open()
        #expect(vault.ids == [dead] + ids)
        try vault.shred([dead]) { _ in }
        vault = try home.open()
        #expect(vault.ids == ids)
        #expect(vault.owner(of: ids[4999]) == (try owner(4999, tenant, "c4999")))
    }

    @Test("a last box that is torn at any byte, or zeros from there on, costs that box alone, and the next one takes its place")
    func tornAtEveryByte() throws {
        let (home, whole, ends) = try threeBoxes()
        for count in ends[1]..<ends[2] {
            for tail in [[], [UInt8](repeating: 0, count: ends[2] - count), [UInt8](repeating: 0, count: 5000)] {
                try put(Array(whole[..<count]) + tail, in: home.keyring)
                let vault = try home.open()
                #expect(vault.ids == [KeyID(1)], "\(count) bytes and \(tail.count) zeros")
                #expect(try bytes(of: home.keyring) == Array(whole[..<ends[1]]))
                if count % 16 == 0 {
                    #expect(try vault.make(for: owner(9)) == KeyID(2))
                    try vault.save()
                    #expect(try home.open().ids == [KeyID(1), KeyID(2)])
                }
            }
        }
    }

    @Test("a keyring that ends before what it was written with is refused at every byte, and stays as it is")
    func cutShort() throws {
        let (home, whole, ends) = try rewritten()
        for count in 0..<ends[0] {
            try put(Array(whole[..<count]), in: home.keyring)
            #expect(try isDamage(failure { _ = try home.open() }), "\(count) bytes")
            #expect(try bytes(of: home.keyring) == Array(whole[..<count]))
        }
    }

    @Test("a changed byte is refused and nothing is written; in the last of appended boxes it costs that box alone")
    func everyByte() throws {
        let (home, whole, ends) = try threeBoxes()
        for offset in whole.indices {
            var changed = whole
            changed[offset] ^= UInt8(1 << (offset % 8))
            try put(changed, in: home.keyring)
            if offset >= ends[1] {
                #expect(try home.open().ids == [KeyID(1)], "byte \(offset)")
                continue
            }
            let before = try home.files()
            #expect(try failure { _ = try home.open() } != nil, "byte \(offset)")
            #expect(try home.files() == before, "byte \(offset)")
        }
    }

    @Test("boxes that were swapped, doubled or taken from another keyring are refused")
    func moved() throws {
        let (home, whole, ends) = try threeBoxes()
        let (first, second) = (whole[ends[0]..<ends[1]], whole[ends[1]..<ends[2]])
        for boxes in [Array(second + first), Array(first + first + second)] {
            try put(Array(whole[..<ends[0]]) + boxes, in: home.keyring)
            #expect(try isDamage(failure { _ = try home.open() }))
        }
        try put(Array(whole) + Array(second), in: home.keyring)
        #expect(try home.open().ids == [KeyID(1), KeyID(2)])
    }

    @Test("a keyring of another archive, or of a later format, is refused")
    func foreign() throws {
        let (home, whole, _) = try threeBoxes()
        #expect(try failure { _ = try home.open(instance: "another") }.map { "\($0)" }?.contains("belongs to the archive") == true)
        var later = whole
        later[11] = 2
        try put(later, in: home.keyring)
        #expect(try failure { _ = try home.open() }.map { "\($0)" }?.contains("format 2") == true)
    }

    @Test("without its keyring or its root key a vault that must be there is refused, and nothing is made")
    func missing() throws {
        let home = try VaultHome()
        #expect(try failure { _ = try home.open(mayBeNew: false) } == .missing(what: "keyring", path: home.keyring))
        #expect(try home.files().isEmpty)
        _ = try home.open()
        let files = try home.files()
        #expect(files.keys.sorted() == ["root.key", "vault/keyring"])
        try FileManager.default.removeItem(atPath: home.root)
        #expect(try failure { _ = try home.open() } == .missing(what: "root key", path: home.root))
        #expect(try home.files().keys.sorted() == ["vault/keyring"])
    }

    @Test("another root key is refused, and nothing is changed")
    func wrongRoot() throws {
        let (home, _, _) = try threeBoxes()
        try put(Array((String(repeating: "ab", count: 32) + "\n").utf8), in: home.root)
        let before = try home.files()
        #expect(try failure { _ = try home.open() } == .wrongRootKey(keyring: home.keyring, place: home.root))
        #expect(try home.files() == before)
    }

    @Test("folder and files are for their owner only")
    func modes() throws {
        let home = try VaultHome()
        _ = try home.open()
        for (path, mode) in [(home.vault, 0o700), (home.keyring, 0o600), (home.root, 0o600)] {
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == mode, "\(path)")
        }
    }

    // MARK: Keyrings

    /// An empty first box and two with a key each, and where the boxes end.
    private func threeBoxes() throws -> (VaultHome, [UInt8], ends: [Int]) {
        let home = try VaultHome()
        let vault = try home.open()
        var ends = [try bytes(of: home.keyring).count]
        for partition in 1...2 {
            _ = try vault.make(for: owner(Int32(partition)))
            try vault.save()
            ends.append(try bytes(of: home.keyring).count)
        }
        return (home, try bytes(of: home.keyring), ends)
    }

    /// A first box with a key.
    private func rewritten() throws -> (VaultHome, [UInt8], ends: [Int]) {
        let (home, _, _) = try threeBoxes()
        try home.open().shred([KeyID(1)]) { _ in }
        let whole = try bytes(of: home.keyring)
        return (home, whole, [whole.count])
    }

    private func isDamage(_ failure: VaultFailure?) -> Bool {
        if case .damaged = failure { true } else { false }
    }
}
