/// What a policy covers.
package enum Scope: Hashable, Sendable {
    case system
    case tenant(TenantID)
    case conversation(TenantID, ConversationID)

    package var tenant: TenantID? {
        switch self {
        case .system: nil
        case .tenant(let tenant), .conversation(let tenant, _): tenant
        }
    }

    package var conversation: ConversationID? {
        if case .conversation(_, let conversation) = self { conversation } else { nil }
    }
}

extension Scope: CustomStringConvertible {
    /// As it is written on the wire.
    package var description: String {
        switch self {
        case .system: "SYSTEM"
        case .tenant(let tenant): "TENANT \(tenant)"
        case .conversation(let tenant, let conversation): "TENANT \(tenant) CONVERSATION \(conversation)"
        }
    }
}
