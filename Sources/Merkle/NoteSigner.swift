import Crypto

/// A name and the secret half of its Ed25519 key. Whoever has it can speak for the log.
package struct NoteSigner: Sendable {
    package static let seedBytes = 32

    package let verifier: VerifierKey
    private let key: Curve25519.Signing.PrivateKey

    /// - Parameters:
    ///   - seed: 32 random bytes, the private key of RFC 8032.
    package init(name: NoteKeyName, seed: [UInt8]) throws(NoteKeyFault) {
        do { key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed) } catch { throw .malformed }
        verifier = VerifierKey(name: name, key: key.publicKey)
    }

    package var name: NoteKeyName { verifier.name }

    package func signature(of text: [UInt8]) -> NoteSignature {
        do {
            return NoteSignature(name: name, id: verifier.id, bytes: Array(try key.signature(for: text)))
        } catch { preconditionFailure("a key signs whatever it is given because Ed25519 has no text that it refuses: \(error)") }
    }
}
