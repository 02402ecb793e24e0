/// A root key in a file: 64 hexadecimal digits and a newline, mode 0400 or 0600. Best on another device than the data.
package struct RootKeyFile: RootKeySource {
    private let file: RotatedFile

    package init(_ path: String) { file = RotatedFile(path: path) }

    package var place: String { file.path }

    package func candidates() throws(VaultFailure) -> RootKeyCandidates {
        var found = RootKeyCandidates()
        let current = try unsafe file.read(staged: false) { (text) throws(VaultFailure) in try unsafe HexKey.decode(text) }
        found.current = current ?? nil
        if let current, current == nil {
            found.fault = .refused(
                path: place,
                reason: "is no root key, which is \(HexKey.digits) hexadecimal digits and a newline; restore it from the escrow")
        }
        // One that is torn was never relied on.
        found.staged = try unsafe file.read(staged: true) { (text) throws(VaultFailure) in try unsafe HexKey.decode(text) } ?? nil
        return found
    }

    package func stage(_ key: RootKey) throws(VaultFailure) {
        try unsafe HexKey.withText(of: key) { (text) throws(VaultFailure) in try unsafe file.stage(text) }
    }

    package func adopt(overwritten: () -> Void) throws(VaultFailure) { try file.adopt(overwritten: overwritten) }

    package func forgetStaged() throws(VaultFailure) { try file.forgetStaged() }
}
