import Events
import Foundation
import TestSupport
import Testing

@testable import Vault

/// A folder with a vault and its root key, and what tests do with them.
struct VaultHome {
    let folder: TemporaryFolder
    /// The folder, or a copy in it.
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("home")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    private init(_ folder: TemporaryFolder, _ path: String) { (self.folder, self.path) = (folder, path) }

    var vault: String { path + "/vault" }
    var keyring: String { vault + "/keyring" }
    var root: String { path + "/root.key" }

    func open(
        mayBeNew: Bool = true, instance: String = "an archive", root source: (any RootKeySource)? = nil, escrow: Escrow? = nil
    ) throws(VaultFailure) -> Vault {
        let vault = try Vault.open(
            folder: vault, instance: instance, root: source ?? RootKeyFile(root), escrow: escrow, mayBeNew: mayBeNew)
        try vault.checkEscrow()
        try vault.settle()
        return vault
    }

    /// What a crash would leave now.
    func copy(_ name: String) throws -> VaultHome {
        try FileManager.default.copyItem(atPath: path, toPath: folder.file(name))
        return VaultHome(folder, folder.file(name))
    }

    /// The bytes of every file, by its path in the folder.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) where name != "vault" && name != "elsewhere" {
            files[name] = try bytes(of: path + "/" + name)
        }
        return files
    }
}

func bytes(of path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(filePath: path))) }

/// Without making a new file, so that its mode stays.
func put(_ bytes: [UInt8], in path: String, mode: Int = 0o600) throws {
    try Data(bytes).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
}

func failure(of body: () throws -> Void) throws -> VaultFailure? {
    do {
        try body()
        return nil
    } catch let failure as VaultFailure {
        return failure
    }
}

func owner(_ partition: Int32 = 1, _ tenant: String = "acme", _ conversation: String? = nil) throws -> KeyOwner {
    KeyOwner(partition: partition, tenant: try TenantID(tenant), conversation: try conversation.map { try ConversationID($0) })
}

extension Vault {
    /// A body as it is stored.
    func sealed(
        _ plain: [UInt8], under id: KeyID, prefix: UInt32 = 7, position: Position = .first, record: [UInt8] = Array("a record".utf8)
    ) -> [UInt8] {
        var stored = [UInt8](repeating: 0, count: 12) + plain + [UInt8](repeating: 0, count: 16)
        stored.withUnsafeMutableBytes { stored in
            record.withUnsafeBytes { seal(stored, under: id, noncePrefix: prefix, position: position, record: $0) }
        }
        return stored
    }

    /// The plain bytes, or why there are none.
    func opened(
        _ stored: [UInt8], position: Position = .first, record: [UInt8] = Array("a record".utf8)
    ) -> (Opened, [UInt8]) {
        var plain = [UInt8](repeating: 0, count: max(0, stored.count - 28))
        let outcome = plain.withUnsafeMutableBytes { plain in
            stored.withUnsafeBytes { stored in
                record.withUnsafeBytes { open(stored, position: position, record: $0, into: plain) }
            }
        }
        return (outcome, plain)
    }

    var ids: [KeyID] { allKeys.map(\.id) }

    func shred(_ ids: Set<KeyID>, reached: (ShredStep) -> Void) throws(VaultFailure) {
        try shred(ids, now: Instant(milliseconds: 1_795_416_138_000), reached: reached)
    }
}

extension ShredStep {
    /// The boundaries of a shred in a vault that has no escrow.
    static let withoutEscrow = allCases.filter { ![.escrowStaged, .escrowOverwritten, .escrowReplaced].contains($0) }
}

/// For what is done where nothing may be thrown.
extension Result {
    init(_ body: () throws(Failure) -> Success) { self.init(catching: body) }

    /// Nil after a failure, which the test records.
    var value: Success? {
        switch self {
        case .success(let value): return value
        case .failure(let error):
            Issue.record(error)
            return nil
        }
    }
}
