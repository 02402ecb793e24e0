import CXXHash
package import Events

/// Eight bytes that stand for a longer name in an index. Two names may share them, so whoever finds
/// a fingerprint looks at the trail record before believing it.
package struct Fingerprint: Hashable, Comparable, Sendable {
    package var rawValue: UInt64

    @inlinable package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable package static func < (left: Fingerprint, right: Fingerprint) -> Bool { left.rawValue < right.rawValue }
}

/// Makes fingerprints with XXH3-64 under this archive's own seed, so that nobody outside can choose names that collide.
package struct Fingerprints: Sendable {
    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// Of a conversation or of a message id, within its tenant: the tenant's hash seeds the name's.
    package func of(_ name: UnsafeRawBufferPointer, in tenant: UnsafeRawBufferPointer) -> Fingerprint {
        let outer = XXH3_64bits_withSeed(tenant.baseAddress, tenant.count, seed)
        return Fingerprint(XXH3_64bits_withSeed(name.baseAddress, name.count, outer))
    }

    package func of<Of>(_ name: Name<Of>, in tenant: TenantID) -> Fingerprint {
        tenant.utf8.withUnsafeBytes { tenant in
            name.utf8.withUnsafeBytes { name in of(name, in: tenant) }
        }
    }

    /// Of the readings of a message: never the message's own. So whoever looks for a message meets none of them, however many there
    /// are: above all the appender, who compares each `send` with all that its id's fingerprint leads to.
    package func ofReadings(of message: MessageID, in tenant: TenantID) -> Fingerprint { Fingerprint(~of(message, in: tenant).rawValue) }

    /// Of the pages that were shown of a conversation: the complement of its own, with the bytes turned round.
    package func ofPages(of conversation: ConversationID, in tenant: TenantID) -> Fingerprint {
        Fingerprint((~of(conversation, in: tenant).rawValue).byteSwapped)
    }
}
