import Merkle

/// A new signing key for an archive that no daemon has open.
package enum SigningKeyRotation {
    /// Returns the public key, as `name+id+base64`.
    package static func run(_ options: ArchiveOptions) throws(ArchiveFailure) -> String {
        let folder = try DataFolder(openingExisting: options)
        return try SigningKeys.rotate(folder.audit(options.audit)).text
    }
}
