import Events
import Foundation

@testable import Vault

/// A vault with an escrow beside it, and the key that opens that.
struct EscrowScene {
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
