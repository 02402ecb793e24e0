import Vault

/// Which keys there are, for whoever goes through rows in order of their keys: the vault is asked once for each. Its lock is the one under which
/// messages are sealed, and whoever takes it for each of a million rows is, now and then, sent to sleep with it.
struct LivingKeys {
    private let vault: Vault
    private var latest: (key: UInt64, isLiving: Bool)?

    init(_ vault: Vault) { self.vault = vault }

    mutating func contains(_ key: UInt64) -> Bool {
        if let latest, latest.key == key { return latest.isLiving }
        let isLiving = vault.contains(KeyID(key))
        latest = (key, isLiving)
        return isLiving
    }
}
