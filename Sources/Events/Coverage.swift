/// Which messages a hold or a purge is about: those that fit everything it names.
///
/// A conversation's and a sender's names mean something within a tenant only, so neither stands without one.
package struct Coverage: Hashable, Sendable {
    package let tenant: TenantID?
    package let conversation: ConversationID?
    package let sender: UserID?
    /// The first moment that is covered.
    package let from: Instant?
    /// The first moment that no longer is.
    package let until: Instant?

    package init(
        tenant: TenantID? = nil, conversation: ConversationID? = nil, sender: UserID? = nil, from: Instant? = nil, until: Instant? = nil
    ) {
        precondition(
            tenant != nil || conversation == nil && sender == nil, "a coverage needs a tenant because the other names are his")
        self.tenant = tenant
        self.conversation = conversation
        self.sender = sender
        self.from = from
        self.until = until
    }

    package static let everything = Coverage()

    package func covers(_ tenant: TenantID, _ conversation: ConversationID, _ sender: UserID, at: Instant) -> Bool {
        if let from, at < from { return false }
        if let until, at >= until { return false }
        return (self.tenant.map { $0 == tenant } ?? true) && (self.conversation.map { $0 == conversation } ?? true)
            && (self.sender.map { $0 == sender } ?? true)
    }

    /// Whether no time is left between `from` and `until`.
    package var isEmpty: Bool { start >= end }

    /// Whether this one covers every message that the other one covers.
    package func contains(_ other: Coverage) -> Bool {
        if other.isEmpty { return true }
        return Self.contains(tenant, other.tenant) && Self.contains(conversation, other.conversation)
            && Self.contains(sender, other.sender) && start <= other.start && end >= other.end
    }

    /// Whether there can be a message that both cover.
    package func mayOverlap(_ other: Coverage) -> Bool {
        Self.mayMeet(tenant, other.tenant) && Self.mayMeet(conversation, other.conversation) && Self.mayMeet(sender, other.sender)
            && max(start, other.start) < min(end, other.end)
    }

    private var start: Instant { from.map { max($0, .distantPast) } ?? .distantPast }

    /// Behind the last moment that there can be, unless told otherwise.
    private var end: Instant {
        let behindAll = Instant(milliseconds: Instant.distantFuture.milliseconds + 1)
        return until.map { min($0, behindAll) } ?? behindAll
    }

    private static func contains<Of>(_ outer: Name<Of>?, _ inner: Name<Of>?) -> Bool { outer == nil || outer == inner }

    private static func mayMeet<Of>(_ one: Name<Of>?, _ other: Name<Of>?) -> Bool { one == nil || other == nil || one == other }
}

extension Coverage {
    /// What a scope of retention covers.
    package init(_ scope: Scope) { self.init(tenant: scope.tenant, conversation: scope.conversation) }
}

extension Coverage: CustomStringConvertible {
    /// As it is written on the wire: `SYSTEM`, `TENANT acme SENDER bob FROM 2018-01-01T00:00:00.000Z`.
    package var description: String {
        var words = tenant.map { "TENANT \($0)" } ?? "SYSTEM"
        if let conversation { words += " CONVERSATION \(conversation)" }
        if let sender { words += " SENDER \(sender)" }
        if let from { words += " FROM \(from)" }
        if let until { words += " UNTIL \(until)" }
        return words
    }
}
