/// By what an escrow that was made here is known again.
struct EscrowMark: Equatable, Sendable {
    var header: EscrowHeader
    /// BLAKE2b-256 of all that is behind the head.
    var digest: [UInt8]

    /// What was never read: its digest is that of nothing.
    static let unread = [UInt8](repeating: 0, count: Escrow.digestBytes)

    var encoded: [UInt8] { header.encoded + digest }

    /// How long the escrow is.
    var byteCount: Int { header.encoded.count + Escrow.sealedBytes + header.keyringBytes }
}

extension EscrowMark {
    static let byteCountMax = EscrowHeader.byteCountMax + Escrow.digestBytes

    /// Reads a mark from the beginning of some bytes, and takes it from them. Nil if they end within its digest.
    init?(takenFrom bytes: inout ArraySlice<UInt8>, path: String) throws(VaultFailure) {
        header = try EscrowHeader(decoding: Array(bytes), path: path)
        bytes = bytes.dropFirst(header.encoded.count)
        guard bytes.count >= Escrow.digestBytes else { return nil }
        digest = Array(bytes.prefix(Escrow.digestBytes))
        bytes = bytes.dropFirst(Escrow.digestBytes)
    }
}
