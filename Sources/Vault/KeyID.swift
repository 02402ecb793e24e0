package import Events

/// The number of a body key: 1, 2, 3, …, never given to a second one. 0 is none.
package struct KeyID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// A greater one on disk is none that was ever given: so there is always a next.
    static let most = UInt64(Int64.max)

    package static func < (left: KeyID, right: KeyID) -> Bool { left.rawValue < right.rawValue }
}

extension KeyID: CustomStringConvertible {
    package var description: String { "key \(rawValue)" }
}

/// Whose bodies a key seals: a tenant's of one partition, or those of one of its conversations that has rules of its own.
package struct KeyOwner: Hashable, Sendable {
    /// The partition's number.
    package var partition: Int32
    package var tenant: TenantID
    package var conversation: ConversationID?

    package init(partition: Int32, tenant: TenantID, conversation: ConversationID?) {
        self.partition = partition
        self.tenant = tenant
        self.conversation = conversation
    }
}
