/// Where the root key is kept, and how one is put in the place of another.
///
/// A replacement is staged beside the current key first; then the keyring is written under it; then it is adopted. After a crash in
/// between, the keyring's header says which of the two is the right one.
package protocol RootKeySource: Sendable {
    /// The place as people know it.
    var place: String { get }

    /// The keys that are there, each of them if it can be read.
    func candidates() throws(VaultFailure) -> RootKeyCandidates

    /// Keeps a key beside the current one, durably, in the place of any that was staged before.
    func stage(_ key: RootKey) throws(VaultFailure)

    /// Makes the staged key the current one and destroys the one before, durably. Tells when the old key is overwritten but still
    /// in the place of the new one, where there is such a moment.
    /// With nothing staged it only makes sure that what was adopted is durable.
    func adopt(overwritten: () -> Void) throws(VaultFailure)

    /// Destroys a staged key that was never adopted.
    func forgetStaged() throws(VaultFailure)
}

/// The root keys that a source has.
package struct RootKeyCandidates: Sendable {
    var current: RootKey?
    var staged: RootKey?
    /// What is wrong with the current key's place, if there is something but no key.
    var fault: VaultFailure?
}
